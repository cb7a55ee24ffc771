"""The Celery application: `celery -A quimbi worker --beat`. A message only rings the bell for a row in `jobs.Job`."""

import os
import threading
import time
from typing import Any

from celery import Celery
from celery.signals import beat_embedded_init, worker_init, worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quimbi.settings")

app = Celery("quimbi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["quimbi"], related_name="schedule")


@worker_init.connect  # type: ignore[untyped-decorator]
def refuse_unfit_settings(**_: Any) -> None:
    """A production worker with settings that would hurt ends here with a line that says what to do."""
    from quimbi.checks import stop_if_unfit

    stop_if_unfit()


@worker_init.connect  # type: ignore[untyped-decorator]
def remember_the_worker(**_: Any) -> None:
    """So that beat, which is forked from this process, knows whom it belongs to even if that ends at once."""
    os.environ["QUIMBI_WORKER_PID"] = str(os.getpid())


@worker_ready.connect  # type: ignore[untyped-decorator]
def catch_up(**_: Any) -> None:
    """Ring for everything that waits, for bells may have been lost while no worker was there; then watch over this one."""
    from jobs import sweeping, watching

    sweeping.sweep(waiting_seconds=0)
    watching.Watch().start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def hand_back_jobs(**_: Any) -> None:
    """Let the jobs of this process go back to the queue at their next report."""
    from jobs import reporting

    reporting.worker_is_stopping.set()


@beat_embedded_init.connect  # type: ignore[untyped-decorator]
def end_with_the_worker(**_: Any) -> None:
    """Beat is a process beside its worker: a worker that is killed would leave it ringing for ever, beside the next one's."""
    worker = os.environ["QUIMBI_WORKER_PID"]
    if worker == str(os.getpid()):
        return  # where there are no processes Celery makes beat a thread, which ends by itself

    def watch() -> None:
        while str(os.getppid()) == worker:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, name="end with the worker", daemon=True).start()
