"""Imports that kill themselves. `python -m tests.customers.importing.killed` reads what to do line by line, as JSON:

`[token, step, times, way]`: run the import of this token as if its file were large (way: by "buckets", or "straight" on
PostgreSQL) and send yourself SIGKILL when you have reported the step for the times-th time. Answered by the signal's number,
or 0 if the import came to its end. Each import is a process of its own, forked from this one, which has loaded everything.
"""

import json
import os
import signal
import sys

import django


def main() -> None:
    django.setup()
    # Once, and not in every fork; pandas is what Arrow looks for with its first array.
    import pandas  # noqa: F401

    import tests.factories  # noqa: F401
    from customers.importing import running  # noqa: F401
    from customers.importing.facts import register_all

    register_all()
    for told in sys.stdin:
        child = os.fork()
        if not child:
            begin(*json.loads(told))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)


def begin(token: str, step: str, times: int, way: str) -> None:
    from customers.importing import first_import, loading, running, set_aside, table_files, waiting_files
    from customers.models import DataImport
    from tests.factories import NOW

    loading.buckets_for = lambda size: 4  # as of a file of two hundred megabytes
    set_aside.WORTH_IT = 100
    if way == "straight":
        waiting_files.LARGE = 0
        first_import.ORDERS_AT_ONCE, first_import.LINES_AT_ONCE = 1, 1  # a block is a batch
        table_files.BLOCK = 2_000
    left = [times]

    def progress(share: float, note: str) -> None:
        if step in note:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    running.run(DataImport.objects.get(token=token), as_of=NOW, progress=progress)


if __name__ == "__main__":
    main()
