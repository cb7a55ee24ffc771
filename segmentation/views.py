"""The archetype list, an archetype's page, and its name."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.requests import PageRequest, only_who_may_change_data
from predictions.archetype_risk import risks_of
from segmentation.forms import MEASURES, METRICS, ArchetypeSearchForm, RenameForm
from segmentation.models import Archetype
from segmentation.overview import archetype_overview
from segmentation.portrait import portrait_of

# Members from which on an archetype is large enough to be worth an action of its own.
LARGER = 50


@require_GET
def archetype_list(request: PageRequest) -> HttpResponse:
    """Archetypes of the active run by revenue, average value or members, all of them or the larger ones."""
    form = ArchetypeSearchForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    measure = asked.get("by") or "revenue"
    least = asked.get("least") or 0
    overview = archetype_overview(METRICS[measure], asked.get("q", ""), asked.get("page") or 1, least=least)
    risks = risks_of([archetype.archetype_id for archetype in overview.page.rows], overview.run.pk if overview.run else None)
    template = "segmentation/_archetypes.html" if request.htmx else "segmentation/archetype_list.html"
    context = {"form": form, "overview": overview, "measure": measure, "measures": MEASURES, "least": least, "larger": LARGER}
    context["rows"] = [(archetype, risks.get(archetype.archetype_id)) for archetype in overview.page.rows]
    return render(request, template, context)


@require_GET
def archetype(request: PageRequest, archetype_id: str) -> HttpResponse:
    """One archetype: size, worth, signature and its most valuable members."""
    try:
        portrait = portrait_of(archetype_id)
    except Archetype.DoesNotExist:
        former = _archetype_or_404(archetype_id)
        return render(request, "segmentation/former_archetype.html", {"archetype": former})
    risk = risks_of([archetype_id], portrait.run.pk).get(archetype_id)
    context = {"portrait": portrait, "archetype": portrait.archetype, "risk": risk}
    return render(request, "segmentation/archetype.html", context)


@require_http_methods(["GET", "POST"])
def rename(request: PageRequest, archetype_id: str) -> HttpResponse:
    """Give an archetype a name of one's own; it is never overwritten by a later run."""
    only_who_may_change_data(request, "rename archetypes")
    named = _archetype_or_404(archetype_id)
    former_name = named.name
    form = RenameForm(request.POST or None, instance=named)
    if request.method == "POST" and form.is_valid():
        form.instance.author = Archetype.Author.PERSON
        form.save()
        messages.success(request, f"“{former_name}” is now “{named.name}”.")
        return redirect("archetype", archetype_id)
    status = 422 if form.errors else 200
    context = {"form": form, "archetype_id": archetype_id, "name": former_name}
    return render(request, "segmentation/rename.html", context, status=status)


def _archetype_or_404(archetype_id: str) -> Archetype:
    """The archetype of any run; `Http404` in our words otherwise, also for text that no id can be."""
    found = Archetype.objects.filter(archetype_id=archetype_id).first() if "\0" not in archetype_id else None
    if found is None:
        raise Http404(
            f"There is no archetype {archetype_id}. It may be misspelt, or nobody was ever found to behave like that."
        )
    return found
