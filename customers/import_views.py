"""Bringing a file in: choose it, say what its columns are, start; and the rows that were not taken."""

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Shop
from accounts.requests import PageRequest, only_who_may_change_data
from customers.import_forms import AnswersForm, UploadForm, Wish, may_be_changed, segments_wanted
from customers.import_matching import Matching, match
from customers.import_upload import ImportUploadHandler
from customers.importing.options import UnreadableFile
from customers.importing.receiving import forget_abandoned, receive
from customers.importing.rejects import path_of
from customers.models import DataImport
from jobs.running import start

SEGMENTATION = {
    "kind": "segment",
    "title": "Segmentation after an import",
    "args": {"discover": False},
    "only_one_of": "segmentation",
}


@csrf_exempt  # only so that the file goes where it belongs: the token is checked below, before anything is done
@require_http_methods(["GET", "POST"])
def import_new(request: PageRequest) -> HttpResponse:
    """Choose a file. It is written to the disk as it comes in; only its head is looked at here."""
    only_who_may_change_data(request, "import files")
    handler = ImportUploadHandler(request)
    if request.method == "POST":
        request.upload_handlers = [handler]
    try:
        return _upload(request, handler)
    finally:
        if not DataImport.objects.filter(token=handler.token).exists():
            handler.discard()


@csrf_protect
def _upload(request: PageRequest, handler: ImportUploadHandler) -> HttpResponse:
    if request.method == "GET":
        return render(request, "customers/imports/new.html", {"form": UploadForm()})
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        upload, kind = form.cleaned_data["file"], form.cleaned_data["kind"]
        forget_abandoned(timezone.now())
        try:
            taken = receive(handler.token, handler.path, upload.name, kind, request.user)
            return redirect("import-map", token=taken.token)
        except UnreadableFile as problem:
            form.add_error("file", str(problem))
    elif handler.problem:
        form.errors.pop("file", None)
        form.add_error("file", handler.problem)
    return render(request, "customers/imports/new.html", {"form": form}, status=422)


@require_http_methods(["GET", "POST"])
def import_map(request: PageRequest, token: str) -> HttpResponse:
    """Match columns and answer what the file leaves open; a POST shows what was chosen, and what would come of it."""
    data_import = _import_of(request, token)
    if not may_be_changed(data_import):
        return _to_its_job(data_import)
    matching, segments = _match(request, data_import)
    if matching is None:
        return redirect("import-new")
    if request.method == "POST" and not matching.problem:
        data_import.options = matching.options.to_json()
        data_import.save(update_fields=["options"])
    return _shown(request, data_import, matching, segments)


@require_POST
def import_start(request: PageRequest, token: str) -> HttpResponse:
    """Start the import as a job, if nothing is open any more."""
    data_import = _import_of(request, token)
    if not may_be_changed(data_import):
        return _to_its_job(data_import)
    matching, segments = _match(request, data_import)
    if matching is None:
        return redirect("import-new")
    if not matching.can_start:
        return _shown(request, data_import, matching, segments, tried=True)
    args = {"import": token} | ({"then": SEGMENTATION} if segments.is_wanted else {})
    with transaction.atomic():
        unstarted = DataImport.objects.filter(pk=data_import.pk, job=data_import.job, state=data_import.state)
        if not unstarted.update(kind=matching.report.kind, options=matching.options.to_json()):
            return redirect("import-map", token=token)  # a second click: the first has started it
        job = start("import", f"Import {data_import.original_name}", args, by=request.user, only_one_of="import")
        DataImport.objects.filter(pk=data_import.pk).update(job=job)
    return redirect("job", job_id=job.pk)


@require_GET
def import_rejects(request: HttpRequest, token: str) -> FileResponse:
    """The rows that were not taken, each with the reason, as CSV."""
    only_who_may_change_data(request, "import files")
    data_import = _known(DataImport.objects.filter(token=token).first())
    path = path_of(data_import.token)
    if not path.is_file():
        raise Http404("No row of this import was rejected.")
    response = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"rejected-{data_import.original_name.split('.')[0][:80]}.csv",
        content_type="text/csv; charset=utf-8",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _match(request: PageRequest, data_import: DataImport) -> tuple[Matching | None, Wish]:
    """What the file is with what was said; None if it cannot be read any more. And whether segments are wanted afterwards."""
    said, chosen = data_import.options, {}
    if request.method == "POST":
        form = AnswersForm(request.POST)
        form.is_valid()
        said = form.cleaned_data
        prefix = "column-"
        posted = ((key.removeprefix(prefix), value) for key, value in request.POST.items() if key.startswith(prefix))
        chosen = {int(place): str(value) for place, value in posted if place.isdecimal() and len(place) < 6}
    try:
        matching = match(data_import, said, chosen, Shop.current(), now=timezone.now())
    except UnreadableFile as problem:
        messages.error(request, f"{data_import.original_name} has to be uploaded again. {problem}")
        return None, segments_wanted(said, data_import.kind)
    return matching, segments_wanted(said, matching.report.kind)


def _shown(
    request: PageRequest, data_import: DataImport, matching: Matching, segments: Wish, *, tried: bool = False
) -> HttpResponse:
    template = "customers/imports/_match.html" if request.htmx else "customers/imports/match.html"
    context = {"data_import": data_import, "match": matching, "segments": segments, "tried": tried}
    return render(request, template, context, status=422 if tried else 200)


def _import_of(request: HttpRequest, token: str) -> DataImport:
    """The import, if this person uploaded it or is an admin; a foreign one is as unknown as one that never was."""
    person = only_who_may_change_data(request, "import files")
    data_import = _known(DataImport.objects.select_related("job").filter(token=token).first())
    is_theirs = data_import.created_by_id == person.pk or person.is_admin
    return _known(data_import if is_theirs else None)


def _known(data_import: DataImport | None) -> DataImport:
    if data_import is None:
        raise Http404("There is no such import. Files that nobody starts to import are deleted after a week.")
    return data_import


def _to_its_job(data_import: DataImport) -> HttpResponse:
    return redirect("job", job_id=data_import.job_id) if data_import.job_id else redirect("jobs")
