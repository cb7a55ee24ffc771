"""The bell's answer. The message carries an id and decides nothing."""

import uuid

from celery import shared_task

from jobs import running, sweeping


@shared_task(name="jobs.run")  # type: ignore[untyped-decorator]
def run_job(job_id: str) -> None:
    """Do the job if it is due and nobody else has it; safe to deliver any number of times."""
    running.run(uuid.UUID(job_id))


@shared_task(name="jobs.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Ring again for every job that should be running and is not."""
    sweeping.sweep()
