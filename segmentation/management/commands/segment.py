"""`manage.py segment`: score everybody and publish; or go back one run, or publish one that a gate held back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from customers.clock import add_as_of, as_of_from
from jobs.exclusive import Busy
from segmentation.models import SegmentationRun
from segmentation.publishing import publish_in_spite_of_gates, roll_back
from segmentation.runs import NothingToSegment, segment_everyone, sentence
from segmentation.tasks import catch_up


class Command(BaseCommand):
    """Segment, go back one run, or publish a run that was held back."""

    help = "Score all customers with the model in force (it is found first if there is none) and publish the result."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--as-of`, `--discover`, `--roll-back`, `--publish RUN --by ADMIN`."""
        add_as_of(parser)
        parser.add_argument("--discover", action="store_true", help="find a new model first")
        parser.add_argument("--roll-back", action="store_true", help="show the run before the published one again")
        parser.add_argument("--publish", type=int, metavar="RUN", help="publish a run that a gate held back")
        parser.add_argument("--by", metavar="ADMIN", help="who answers for --publish: the user name of an admin")

    def handle(self, *args: Any, **options: Any) -> None:
        """One of the three."""
        try:
            if options["roll_back"]:
                self.stdout.write(f"Run {roll_back().pk} is shown again.")
            elif options["publish"]:
                self._publish(options["publish"], options["by"])
            else:
                self._segment(options)
        except (NothingToSegment, Busy, LookupError) as problem:
            raise CommandError(str(problem)) from problem

    def _segment(self, options: dict[str, Any]) -> None:
        run = segment_everyone(
            as_of_from(options),
            lambda share, note: self.stderr.write(f"{share:4.0%}  {note}"),
            discover_first=options["discover"],
            catch_up=None if options["as_of"] else catch_up,
        )
        if run.state == SegmentationRun.State.REJECTED:
            raise CommandError(f"{run.error} An admin can publish it all the same: segment --publish {run.pk} --by NAME.")
        self.stdout.write(sentence(run))

    def _publish(self, run_pk: int, name: str | None) -> None:
        admin = User.objects.filter(username=name or "", role=User.Role.ADMIN).first()
        if admin is None:
            raise CommandError("Name the admin who answers for it: --by NAME.")
        run = SegmentationRun.objects.filter(pk=run_pk, state=SegmentationRun.State.REJECTED).first()
        if run is None:
            raise CommandError(f"Run {run_pk} is not one that a gate held back.")
        publish_in_spite_of_gates(run, admin)
        self.stdout.write(sentence(run))
