"""A worker that has gone deaf ends itself, so that whatever started it starts a fresh one.

Celery's connection to Redis has been seen to come back after an outage without consuming any more. The beat in this very
process rings every half minute, so a healthy worker always has something to take. It is deaf if the broker takes our
bells, jobs are due, nothing runs here, and still no message has arrived for a while.
"""

import logging
import os
import signal
import threading
import time

from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.db import DatabaseError, connections

from jobs import bell, sweeping

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20.0


class Watch:
    """Counts what this worker takes and does; `is_deaf` judges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work = 0
        self._last_message = time.monotonic()

    def begin(self, **_: object) -> None:
        """A message was taken."""
        with self._lock:
            self._at_work += 1
            self._last_message = time.monotonic()

    def end(self, **_: object) -> None:
        """And done with."""
        with self._lock:
            self._at_work -= 1
            self._last_message = time.monotonic()

    def is_deaf(self) -> bool:
        """Whether due work stands there, the broker answers, and this idle worker has heard nothing for too long."""
        with self._lock:
            if self._at_work or time.monotonic() - self._last_message < settings.JOB_DEAF_SECONDS:
                return False
        due = sweeping.due_jobs()
        return bool(due) and bell.ring(due[:1]) > 0

    def start(self) -> None:
        """Listen to this worker's tasks and judge four times in the time that counts as deaf; a daemon thread."""
        task_prerun.connect(self.begin, weak=False)
        task_postrun.connect(self.end, weak=False)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(settings.JOB_DEAF_SECONDS / 4)
            try:
                deaf = self.is_deaf()
            except DatabaseError:
                deaf = False  # without a database there is nothing to be done anyway
            finally:
                connections.close_all()
            if deaf:
                logger.critical("This worker hears no bells although jobs are due; it ends, to be started afresh.")
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(GRACE_SECONDS)
                os._exit(1)
