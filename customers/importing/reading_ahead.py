"""Reading the next rows while the last ones are worked on."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")
AHEAD = 2
"""Items that may wait. More would only take memory: who is slower stays slower."""


def reading_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, made by a thread. Pays where making them leaves Python, as Arrow does; must not touch the database.

    Raises what `items` raises, at its place. A reader that stops early ends the thread.
    """
    waiting: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(AHEAD)
    over = threading.Event()

    def put(item: Item | None, problem: BaseException | None) -> bool:
        while not over.is_set():
            try:
                waiting.put((item, problem), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
            put(None, StopIteration())
        except BaseException as problem:  # the reader shall see it, whatever it is
            put(None, problem)

    thread = threading.Thread(target=make, name="reading ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, problem = waiting.get()
            if isinstance(problem, StopIteration):
                return
            if problem is not None:
                raise problem
            yield item  # type: ignore[misc]  # None comes with a problem only
    finally:
        over.set()
        thread.join()
