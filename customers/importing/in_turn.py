"""Blocks of rows that are stored side by side, on two connections, and committed one after the other."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

from django.db import connection, transaction

from customers.importing.breaking_off import ASKED_EVERY_SECONDS, StopIfAsked, break_off

AT_ONCE = 2
"""PostgreSQL takes a block in with one core, so two keep a small server busy."""

Work = Callable[[], None]


class InTurn:
    """Stores blocks in threads with connections of their own; each commits only when all before it have.

    So what the checkpoint says is stored is always the beginning of the file, whatever the moment of a kill. When the context
    ends, all blocks have ended; with a problem, or when `stop_if_asked` raises, those under way are broken off.
    """

    def __init__(self, stop_if_asked: StopIfAsked) -> None:
        self._stop_if_asked = stop_if_asked
        self._threads = ThreadPoolExecutor(AT_ONCE, "storing")
        self._under_way: deque[Future[None]] = deque()
        self._at_work: set[Any] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._wait_for(len(self._under_way))
        finally:
            self._end()

    def submit(self, store: Work, settle: Work) -> None:
        """Run `store` in a transaction, and at its end, when it is this block's turn, `settle`.

        Waits while as many blocks are under way as there are threads. Raises what an earlier block raised.
        """
        self._wait_for(len(self._under_way) - AT_ONCE + 1)
        before = self._under_way[-1] if self._under_way else None
        self._under_way.append(self._threads.submit(self._run, store, settle, before))

    def _wait_for(self, blocks: int) -> None:
        for _ in range(blocks):
            while not self._under_way[0].done():
                self._stop_if_asked()
                wait([self._under_way[0]], ASKED_EVERY_SECONDS)
            self._under_way.popleft().result()

    def _end(self) -> None:
        """Break off the blocks that are under way, if any are; they may be between two statements, so more than once."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while left := [block for block in self._under_way if not block.done()]:
            for at_work in tuple(self._at_work):
                break_off(at_work)
            wait(left, ASKED_EVERY_SECONDS)
        self._threads.shutdown()

    def _run(self, store: Work, settle: Work, before: Future[None] | None) -> None:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    # Who waits for a block while an earlier one waits for him would wait for ever: no database sees that.
                    cursor.execute("SET LOCAL lock_timeout = '10s'")
                self._at_work.add(connection.connection)
                store()
                if before is not None:
                    before.result()
                settle()
        finally:
            self._at_work.discard(connection.connection)
            connection.close()
