"""Work for real workers in tests. What happened is told by files, which outlive a killed process."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from jobs.running import RunningJob, does


@does("test-pages")
def write_pages(job: RunningJob) -> dict[str, Any]:
    """Write ten pages, each once whatever happens; stop after the fifth until `go` is there."""
    folder = Path(job.args["folder"])
    (folder / f"attempt-{job.attempt}").write_text(str(os.getpid()))
    job.step("Write")
    written = 0
    for number in range(10):
        page = folder / f"page-{number}"
        if not page.exists():
            with page.open("x") as file:
                file.write(str(job.attempt))
            written += 1
        while number == 4 and not (folder / "go").exists():
            job.progress(0.5, "waiting")
            time.sleep(0.02)
        job.progress((number + 1) / 10)
    return {"summary": f"{written} pages written"}


@does("test-poison")
def poison(job: RunningJob) -> dict[str, Any]:
    """Take the worker down."""
    (Path(job.args["folder"]) / f"attempt-{job.attempt}").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


@does("test-tally")
def tally(job: RunningJob) -> dict[str, Any]:
    """Leave one mark for each time that it runs."""
    with (Path(job.args["folder"]) / job.args["name"]).open("a") as file:
        file.write("x")
    return {}
