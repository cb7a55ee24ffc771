"""Segmentation runs that kill themselves, each in a process of its own: `python -m tests.segmentation.killed_run`.

Every line of the input names a stage, by the beginning of what the run says when that stage begins; "publish" is the moment at
which the pointer has been moved and its transaction is not committed yet. A run is started and ends there; a line with the
code that it ended with is the answer. Runs are forked from this process, which has imported all that they need: that takes
longer than a run.
"""

import os
import signal
import sys

import django


def main() -> None:
    django.setup()
    import pandas  # noqa: F401  (what a run imports late)
    import scipy.optimize  # noqa: F401
    import sklearn.cluster  # noqa: F401

    import segmentation.runs  # noqa: F401
    import tests.factories  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            run_until(line.rstrip("\n"))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def run_until(stage: str) -> None:
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
    main()
