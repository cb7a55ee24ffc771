"""Work of this app that runs as a job."""

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from customers import metrics
from customers.importing import running, set_aside
from customers.importing.breaking_off import BreakingOff
from customers.importing.faults import ImportRefused
from customers.importing.receiving import drop_upload, forget_abandoned
from customers.importing.rejects import path_of
from customers.importing.summary import Summary
from customers.models import Customer, DataImport
from customers.signals import everybody_follows
from jobs.models import Job
from jobs.running import Cancelled, JobFailed, RunningJob, does, start


@does("import")
def do_import(job: RunningJob) -> dict[str, Any]:
    """Import the file of the `DataImport` whose token is in ``args["import"]``.

    ``args["then"]``, if there, names the job to start when the file is stored: `kind`, `title`, `args`, `only_one_of`.
    """
    forget_abandoned(timezone.now())
    data_import = DataImport.objects.filter(token=job.args["import"]).first()
    if data_import is None:
        raise JobFailed("What this import had left was deleted after a week; bring the file in again.", {"is_final": True})
    DataImport.objects.filter(pk=data_import.pk).update(job_id=job.id)
    if data_import.state != DataImport.State.DONE:
        with everybody_follows() if job.args.get("then") else nullcontext():
            _do(job, data_import)
    drop_upload(data_import)
    return _result(data_import, _following(job))


@does("count")
def count_figures(job: RunningJob) -> dict[str, Any]:
    """Count the figures of the customers who are due."""
    return {"summary": _count(job)}


@does("mend")
def mend(job: RunningJob) -> dict[str, Any]:
    """Build the indexes that an import had set aside when it was stopped, and count the figures of whom it stored."""
    job.step("Build indexes")
    with BreakingOff(job.stop_if_asked):
        for data_import in set_aside.leftovers():
            job.log(f"{data_import.original_name}: its import was stopped")
            set_aside.put_back(data_import)
    return {"summary": f"The indexes are built again. {_count(job)}"}


def _count(job: RunningJob) -> str:
    job.step(running.UPDATE_FIGURES)
    with BreakingOff(job.stop_if_asked):
        counted = metrics.settle(timezone.now(), job.progress)
    return f"The figures of {counted:,} customer{'' if counted == 1 else 's'} were counted."


def start_mending() -> Job | None:
    """Have built what a cancelled or failed import had set aside; None if there is nothing, or an import is under way.

    An import that goes on builds it at its end, and the next one at its start. One query where nothing is left.
    """
    if not set_aside.leftovers().exists():
        return None
    if Job.objects.filter(only_one_of="import", state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
        return None
    return start("mend", "Build indexes after a stopped import", {}, only_one_of="import")


def start_counting(now: datetime) -> Job | None:
    """Start the counting of customers who are due though no import is under way; None if there is nothing to do.

    Those are customers with orders dated ahead of the clock (local times that are taken for UTC) whose time has come, and what
    an import left that did not come to its end. One query where nobody is due.
    """
    if not metrics.is_due(now):
        return None
    imports_or_counts = Job.objects.filter(Q(kind="count") | Q(only_one_of="import"))
    if imports_or_counts.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
        return None  # an import counts at its end
    if DataImport.objects.filter(checkpoint__done__straight__isnull=False).exists():
        return None  # it marks its buyers before their orders are there (`importing.first_import`)
    return start("count", "Count orders whose time has come", {}, only_one_of="count")


def _do(job: RunningJob, data_import: DataImport) -> None:
    steps = _Steps(job, data_import.kind)
    try:
        running.run(data_import, as_of=timezone.now(), progress=steps, stop_if_asked=job.stop_if_asked)
    except ImportRefused as refusal:
        steps.end()
        job.log(f"error: {refusal}")
        raise JobFailed(str(refusal), result=_refused(data_import)) from refusal
    except Cancelled as stop:
        raise Cancelled(_cancelled(data_import)) from stop
    steps.end()
    summary = Summary.from_json(data_import.summary)
    for sentence in [summary.headline(), *summary.details()]:
        job.log(sentence)
    if summary.rows_rejected:
        job.log(f"warning: {summary.about_rejects()}")


class _Steps:
    """An import's progress as the steps of its job; the log has a line for each, with the last that was said of it."""

    def __init__(self, job: RunningJob, kind: str) -> None:
        self.job, self.names = job, running.step_names(kind)
        self.at, self.note = -1, ""

    def __call__(self, share: float, note: str) -> None:
        at = running.step_at(share)
        if self.at < 0:
            self.job.plan(*self.names[at:])  # what an earlier attempt has done is not to come
        if at > self.at:
            self.end()
            self.job.step(self.names[at], note)
            self.at = at
        self.note = note
        self.job.progress(share, note)

    def end(self) -> None:
        """The step that runs, if one does, has come to its end."""
        if self.at >= 0:
            self.job.log(f"{self.names[self.at]}: {self.note}")


def _following(job: RunningJob) -> Job | None:
    """The job that will read what was stored; None if none was asked for or nobody has an order. One that waits will do."""
    then = job.args.get("then")
    if not then or not Customer.objects.filter(order_count__gt=0).exists():
        return None
    mine = Job.objects.filter(kind=then["kind"], args__after=str(job.id)).first()
    waiting = Job.objects.filter(kind=then["kind"], only_one_of=then["only_one_of"], state=Job.State.QUEUED).first()
    if mine or waiting:
        return mine or waiting
    by = Job.objects.select_related("created_by").get(pk=job.id).created_by
    return start(then["kind"], then["title"], then["args"] | {"after": str(job.id)}, by=by, only_one_of=then["only_one_of"])


def _result(data_import: DataImport, following: Job | None) -> dict[str, Any]:
    summary = Summary.from_json(data_import.summary)
    links = [{"label": "See the customers", "url": reverse("customers")}]
    if following is not None:
        links.insert(0, {"label": "Watch the segmentation", "url": reverse("job", args=[following.pk])})
    return {
        "import": data_import.token,
        "summary": summary.headline(),
        "details": summary.details(),
        "warnings": [summary.about_rejects()] if summary.rows_rejected else [],
        "links": links,
        "downloads": _downloads(data_import),
    }


def _refused(data_import: DataImport) -> dict[str, Any]:
    """What a page offers after a refusal: other settings while nothing is stored, else only to go on."""
    is_stopped = data_import.state == DataImport.State.STOPPED
    settings_page = {"label": "Change the settings", "url": reverse("import-map", args=[data_import.token])}
    return {
        "import": data_import.token,
        "links": [] if is_stopped or data_import.kind == DataImport.Kind.TABLES else [settings_page],
        "downloads": _downloads(data_import),
        "is_final": not is_stopped,
    }


def _cancelled(data_import: DataImport) -> dict[str, Any]:
    """What a page says and offers once somebody has cancelled the import."""
    offered = _refused(data_import) | {"is_final": False}
    if data_import.state == DataImport.State.STOPPED:
        return offered | {"summary": "A part is stored. Going on takes it up where it stopped.", "again": "Go on"}
    return offered | {"summary": "Nothing was stored."}


def _downloads(data_import: DataImport) -> list[dict[str, str]]:
    if not path_of(data_import.token).exists():
        return []
    return [{"label": "Rejected rows, CSV", "url": reverse("import-rejects", args=[data_import.token])}]
