"""Makes a file in one thread while another one sends it.

obstore takes an iterator, but asks it for pieces while it drives its own event loop: pieces that read a stored file
themselves would panic there. So it gets them out of a queue, and whoever makes them stays in their own thread, as their
database connection may need. If making fails, sending fails too, and so gives up what it has sent.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, auto
from queue import Full, Queue

PIECES_AHEAD = 8
"""Of at most about 1 MiB each, as writers make them: as much as one part of an upload."""

LOOK_SECONDS = 0.1  # how soon a maker whose queue is full sees that sending has failed


class _End(Enum):
    WHOLE = auto()
    GIVEN_UP = auto()


class _GivenUpError(Exception):
    """Ends the sending of a file that could not be made. Nobody sees it but the sender."""


def feed(pieces: Iterable[bytes], send: Callable[[Iterator[bytes]], object]) -> None:
    """Make the pieces here, while `send` takes them in a thread of its own. Raises what either of them raises."""
    queue: Queue[bytes | _End] = Queue(PIECES_AHEAD)
    with ThreadPoolExecutor(max_workers=1) as thread:
        sending = thread.submit(send, _taken_from(queue))
        end = _End.GIVEN_UP
        try:
            for piece in pieces:
                if not _pass_on(piece, queue, sending):
                    break
            end = _End.WHOLE
        finally:
            _pass_on(end, queue, sending)
    sending.result()


def _pass_on(item: bytes | _End, queue: "Queue[bytes | _End]", sending: "Future[object]") -> bool:
    """Say whether it was taken: who has failed takes nothing."""
    while not sending.done():
        try:
            queue.put(item, timeout=LOOK_SECONDS)
        except Full:
            continue
        return True
    return False


def _taken_from(queue: "Queue[bytes | _End]") -> Iterator[bytes]:
    while (item := queue.get()) is not _End.WHOLE:
        if item is _End.GIVEN_UP:
            raise _GivenUpError
        yield item
