"""`manage.py discover_segments`: fit a new model version on all buyers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.clock import add_as_of, as_of_from
from jobs.exclusive import Busy
from segmentation.runs import NothingToSegment, discover


class Command(BaseCommand):
    """Fit a new model version."""

    help = "Find segments on the 13 axes anew; `segment` then scores everybody with them."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--as-of`."""
        add_as_of(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Discover, and say what was found on each axis."""
        try:
            stored = discover(as_of_from(options), lambda share, note: self.stderr.write(f"{share:4.0%}  {note}"))
        except (NothingToSegment, Busy) as problem:
            raise CommandError(str(problem)) from problem
        model = stored.fitted()
        for name, axis in model.axes.items():
            silhouette = "" if axis.clusters.silhouette is None else f", silhouette {axis.clusters.silhouette:.2f}"
            self.stdout.write(f"{name}: {', '.join(axis.names) or 'not enough to tell'}{silhouette}")
        self.stdout.write(
            f"Model {stored.pk} found on {stored.buyers:,} buyers; defining axes: {', '.join(model.defining_axes)}."
        )
