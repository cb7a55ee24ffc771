"""Ringing for a worker. Best effort and short of breath: nobody who starts a job may wait for a broker that is down."""

import logging
import time
import uuid
from collections.abc import Iterable

from django.conf import settings

logger = logging.getLogger(__name__)

# A hung broker costs its time-out once, then nothing for this long; the sweeper rings again for what was missed.
QUIET_SECONDS = 5.0
_quiet_until = 0.0


def ring(job_ids: Iterable[uuid.UUID]) -> int:
    """Tell the workers about these jobs; return how many messages went out. Never raises, for the rows are safe."""
    global _quiet_until  # noqa: PLW0603  (one bell a process)
    from jobs.tasks import run_job

    rung = 0
    if time.monotonic() < _quiet_until:
        return rung
    try:
        with run_job.app.connection_for_write(transport_options=_short_of_breath()) as line:
            for job_id in job_ids:
                run_job.apply_async((str(job_id),), connection=line, retry=False)
                rung += 1
    except Exception as problem:  # a broker's client raises what it likes, and the person's request must not fail for it
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("The broker did not answer (%s); the sweeper rings again.", type(problem).__name__)
    return rung


def _short_of_breath() -> dict[str, object]:
    """Today's transport options with time-outs short enough for a web request."""
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    if settings.REDIS_URL:
        options |= {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
    return options
