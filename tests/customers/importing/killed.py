"""An import in a process of its own that kills itself: `python -m tests.customers.importing.killed TOKEN STEP TIMES WAY`.

Runs the import of TOKEN as if its file were large (WAY: by "buckets", or "straight" on PostgreSQL) and sends itself SIGKILL
when it has reported STEP for the TIMES-th time.
"""

import os
import signal
import sys

import django


def main(token: str, step: str, times: str, way: str) -> None:
    django.setup()
    from customers.importing import first_import, loading, running, set_aside, tables, waiting_files
    from customers.models import DataImport
    from tests.factories import NOW

    loading.buckets_for = lambda size: 12  # as of a file of a hundred megabytes
    set_aside.WORTH_IT = 100
    if way == "straight":
        waiting_files.LARGE = 0
        first_import.ORDERS_AT_ONCE, first_import.LINES_AT_ONCE = 1, 1  # a block is a batch
        tables.BLOCK = 2_000
    left = [int(times)]

    def progress(share: float, note: str) -> None:
        if step in note:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    running.run(DataImport.objects.get(token=token), as_of=NOW, progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
