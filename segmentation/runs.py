"""Discovering a model and scoring everybody with it. The story of a run:

read histories -> observe -> (discover or keep the model) -> score -> choose archetypes -> store -> gates -> publish -> catch up

Nothing is visible before the pointer is moved. A run that is killed leaves rows that no reader finds; the next run marks it as
failed and clears them. Whoever orders while a run is built is scored in the run before; the new one then catches up with it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.models import Shop
from customers.models import Customer
from jobs.exclusive import one_at_a_time
from segmentation.archetyping import store_archetypes
from segmentation.gates import refusals
from segmentation.histories import histories
from segmentation.maths.archetypes import Archetypes, find_archetypes
from segmentation.maths.model import FittedModel, Observations, Scores, drift, fit, observe, score, warm_refit
from segmentation.maths.product_levels import ProductLevels
from segmentation.models import ActiveRun, Membership, SegmentationRun, SegmentModel
from segmentation.movement import remember_month_if_possible
from segmentation.publishing import abandon_unfinished_runs, collect_old_runs, publish
from segmentation.run_figures import figures_of, rarity_of
from segmentation.storing import scored_customers, store_memberships

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)

Progress = Callable[[float, str], None]
CatchUp = Callable[[list[int]], None]
SEED = 0


class NothingToSegment(Exception):
    """The shop has no valid order yet; the message says what to do."""


def discover(as_of: datetime, progress: Progress | None = None) -> SegmentModel:
    """Fit a new model version on all buyers and store it; the next `segment_everyone` scores with it.

    Raises `NothingToSegment` without a valid order, `jobs.exclusive.Busy` while another run is on.
    """
    with one_at_a_time("segmentation"):
        watch = _Watch(progress)
        return _discover(_observe(as_of, watch, share=0.6), as_of, watch, share=1.0)


def segment_everyone(
    as_of: datetime,
    progress: Progress | None = None,
    *,
    discover_first: bool = False,
    by: "User | None" = None,
    catch_up: CatchUp | None = None,
) -> SegmentationRun:
    """Score every buyer, and publish the run unless a gate holds it back.

    The active run's model scores, or the one that `discover` has found since. A model is found first if there is none or
    `discover_first` asks for it; where customers have drifted away from it, its centres are moved and its names stay. Cost: see
    docs/benchmarks.md; a few times that of reading the rows.

    `catch_up` is handed the keys of customers who ordered while the run was built, once it is published; `as_of` hides their
    new orders, so it scores them by the present clock. Without it (a run as of a past date) they stay as of `as_of`.

    Raises
    ------
    NothingToSegment
        Without a valid order.
    jobs.exclusive.Busy
        While another run is on.
    """
    with one_at_a_time("segmentation"):
        abandon_unfinished_runs()
        watch = _Watch(progress)
        stored = None if discover_first else _model_to_score_with()
        observations = _observe(as_of, watch, share=0.4, levels=stored.fitted().levels if stored else None)
        if stored is None:
            stored = _discover(observations, as_of, watch, share=0.75)
        model = stored.fitted()
        with watch.step(0.8, "Score customers", f"{len(observations):,} customers on 13 axes"):
            scores = score(model, observations)
            if model.fitted_day != observations.today and drift(model, observations, scores).refit:
                model = warm_refit(model, observations)
                stored = _store_model(model, as_of)
                scores = score(model, observations)
        run = SegmentationRun.objects.create(
            model=stored, as_of=as_of, profiles=Customer.objects.count(), segmented=len(scores)
        )
        try:
            _build(run, model, observations, scores, watch)
            _publish_or_hold_back(run, by)
        except BaseException as problem:
            SegmentationRun.objects.filter(pk=run.pk).update(
                state=SegmentationRun.State.FAILED, error=f"The run broke off ({type(problem).__name__}); the last one stays."
            )
            raise
        remember_month_if_possible(run)
        if catch_up and (left_behind := _left_behind(run)):
            catch_up(left_behind)
        collect_old_runs()
        return run


def sentence(run: SegmentationRun) -> str:
    """What came of a run, for the person who started it."""
    archetypes = run.summary.get("archetypes", 0)
    day = run.as_of.astimezone(Shop.current().zone)
    return (
        f"As of {day.day} {day:%B %Y}, {run.segmented:,} of {run.profiles:,} customers are segmented into {archetypes:,} "
        f"archetypes; {run.profiles - run.segmented:,} have no order that counts."
    )


def _model_to_score_with() -> SegmentModel | None:
    """The active run's model, or a newer one that no run has been tried with yet; None if one has to be found.

    A model whose run was held back or rolled back is not tried again. A run that broke off says nothing about its model.
    """
    newest = SegmentModel.objects.first()
    if newest is None or not newest.runs.exclude(state=SegmentationRun.State.FAILED).exists():
        return newest
    active = ActiveRun.current()
    return active.model if active else None


def _observe(as_of: datetime, watch: "_Watch", *, share: float, levels: ProductLevels | None = None) -> Observations:
    """Everybody's counts, read and counted part by part so that memory follows the part and not the shop."""
    wall_clock = as_of.astimezone(Shop.current().zone)
    parts: list[Observations] = []
    with watch.step(share, "Read orders and tickets"):
        for history in histories(as_of):
            parts.append(observe(history, wall_clock, levels=parts[0].levels if parts else levels))
            watch.say(share * 0.9, f"{sum(len(part) for part in parts):,} customers with orders")
    if not parts:
        raise NothingToSegment("There is no valid order yet: import orders, then segment.")
    return Observations.concat(parts)


def _discover(observations: Observations, as_of: datetime, watch: "_Watch", *, share: float) -> SegmentModel:
    begun_at = watch.share
    with watch.step(share, "Find segments"):
        model = fit(
            observations,
            seed=SEED,
            progress=lambda done, axis: watch.say(begun_at + (share - begun_at) * done, axis),
            most_archetypes=settings.ARCHETYPES_AT_MOST,
            coverage=settings.ARCHETYPE_COVERAGE,
        )
    return _store_model(model, as_of)


def _store_model(model: FittedModel, as_of: datetime) -> SegmentModel:
    return SegmentModel.objects.create(as_of=as_of, buyers=model.customers, parameters=model.to_json())


def _build(run: SegmentationRun, model: FittedModel, observations: Observations, scores: Scores, watch: "_Watch") -> None:
    """Archetypes and memberships to rows; the run's figures and the gates that it does not pass into its summary."""
    with watch.step(0.85, "Choose archetypes"):
        archetypes = find_archetypes(
            scores.shares, scores.segments, model.segments, model.defining_axes, most=settings.ARCHETYPES_AT_MOST
        )
        scored = scored_customers(observations, scores, archetypes.agrees_on)
        pks = store_archetypes(run, archetypes, rarity_of(scores, model), scored.values, scored.order_counts)
    with watch.step(0.97, "Store memberships", f"{len(scored):,} customers in {len(archetypes.found):,} archetypes"):
        store_memberships(run, scored.of_archetypes(pks[archetypes.member_of]), run.as_of)
    with watch.step(1.0, "Check and publish"):
        figures = figures_of(run, model, scores, archetypes, observations, before=ActiveRun.current())
        held_back_by = refusals(figures)
    run.summary = _summary(model, archetypes, watch) | {
        "buyers": figures.buyers,
        "gates": [refusal.as_json() for refusal in held_back_by],
    }
    run.save(update_fields=["summary"])


def _publish_or_hold_back(run: SegmentationRun, by: "User | None") -> None:
    gates = run.summary["gates"]
    if gates:
        run.state = SegmentationRun.State.REJECTED
        run.error = "The new segmentation was held back and the last one stays. " + " ".join(gate["reason"] for gate in gates)
        run.save(update_fields=["state", "error"])
        logger.warning("Run %s held back: %s", run.pk, ", ".join(gate["gate"] for gate in gates))
        return
    publish(run, by)


def _left_behind(run: SegmentationRun) -> list[int]:
    """Buyers of whose orders the run before knows more than `run`, if that is published; two queries.

    Counts and not times: `scored_at` is the moment that a shop is judged by, which may lie years before the scoring. Customers
    who lost an order since the run before are among them, and are none the worse for being scored again.
    """
    pointer = ActiveRun.objects.filter(run=run, previous__isnull=False).first()
    if pointer is None:
        return []
    as_many_here = Membership.objects.filter(run=run, customer=OuterRef("customer"), order_count__gte=OuterRef("order_count"))
    before = Membership.objects.filter(run=pointer.previous_id, customer__order_count__gt=0)
    return list(before.exclude(Exists(as_many_here)).values_list("customer_id", flat=True))


def _summary(model: FittedModel, archetypes: Archetypes, watch: "_Watch") -> dict[str, Any]:
    return {
        "axes": {
            name: {
                "k": axis.k,
                "silhouette": None if axis.clusters.silhouette is None else round(axis.clusters.silhouette, 3),
                "information_bits": round(axis.information_bits, 3),
                "notes": axis.notes,
            }
            for name, axis in model.axes.items()
        },
        "defining_axes": model.defining_axes,
        "archetypes": len(archetypes.found),
        "exact_share": round(archetypes.exact_share, 4),
        "seconds": {step: round(seconds, 2) for step, seconds in watch.seconds.items()},
    }


class _Watch:
    """Tells how far a run is, and keeps the seconds of each step."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.share, self.current = progress, 0.0, ""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, end_share: float, name: str, detail: str = "") -> Iterator[None]:
        """A step that ends at `end_share` of the whole."""
        self.current, begun = name, time.monotonic()
        self.say(self.share, detail)
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun
        self.share = end_share
        self.say(end_share, detail)

    def say(self, share: float, detail: str = "") -> None:
        if self.progress:
            self.progress(share, f"{self.current}: {detail}" if detail else self.current)
