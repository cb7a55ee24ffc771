"""Blocks of rows that are stored side by side, on two connections, and committed one after the other."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from django.db import connection, transaction

AT_ONCE = 2
"""PostgreSQL takes a block in with one core, so two keep a small server busy."""

Work = Callable[[], None]


class InTurn:
    """Stores blocks in threads with connections of their own; each commits only when all before it have.

    So what the checkpoint says is stored is always the beginning of the file, whatever the moment of a kill. When the context
    ends, all blocks have ended.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "storing")
        self._under_way: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            self._wait_for(len(self._under_way))

    def submit(self, store: Work, settle: Work) -> None:
        """Run `store` in a transaction, and at its end, when it is this block's turn, `settle`.

        Waits while as many blocks are under way as there are threads. Raises what an earlier block raised.
        """
        self._wait_for(len(self._under_way) - AT_ONCE + 1)
        before = self._under_way[-1] if self._under_way else None
        self._under_way.append(self._threads.submit(_run, store, settle, before))

    def _wait_for(self, blocks: int) -> None:
        for _ in range(blocks):
            self._under_way.popleft().result()


def _run(store: Work, settle: Work, before: Future[None] | None) -> None:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # Somebody who waits for a block while an earlier one waits for him would wait for ever: no database sees that.
                cursor.execute("SET LOCAL lock_timeout = '10s'")
            store()
            if before is not None:
                before.result()
            settle()
    finally:
        connection.close()
