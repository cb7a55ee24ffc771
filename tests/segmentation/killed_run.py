"""A segmentation run in a process of its own that kills itself: `python -m tests.segmentation.killed_run STAGE`.

STAGE is the beginning of what the run says when that stage begins; "publish" is the moment at which the pointer has been moved
and its transaction is not committed yet.
"""

import os
import signal
import sys

import django


def main(stage: str) -> None:
    django.setup()
    from segmentation import publishing
    from segmentation.models import SegmentationRun
    from segmentation.runs import segment_everyone
    from tests.factories import NOW

    def kill_oneself(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if stage == "publish":
        commit = publishing.transaction.Atomic.__exit__

        def before_commit(atomic: object, *problem: object) -> None:
            if SegmentationRun.objects.filter(state=SegmentationRun.State.PUBLISHED).count() > 1:
                kill_oneself()
            commit(atomic, *problem)

        publishing.transaction.Atomic.__exit__ = before_commit
    segment_everyone(
        NOW,
        lambda share, note: kill_oneself() if stage != "publish" and note.startswith(stage) else None,
        discover_first=True,
    )


if __name__ == "__main__":
    main(sys.argv[1])
