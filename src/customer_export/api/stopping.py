"""Know at once that the process is told to stop: the server tells the application only when all answers have ended."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopping:
    """Whether the process was told to stop. Made, and asked, in the event loop."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    async def within(self, seconds: float) -> bool:
        """Wait for so long, or until it was told; say whether it was."""
        try:
            await asyncio.wait_for(self._told.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def wait(self) -> None:
        """Wait until it was told."""
        await self._told.wait()

    @contextmanager
    def hearing_signals(self) -> Iterator[None]:
        """Hear the signals that the server hears, which goes on doing what it does by them.

        Only the main thread hears signals; elsewhere nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        servers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def hearing(handler: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], None]:
            def heard(number: int, frame: FrameType | None) -> None:
                loop.call_soon_threadsafe(self._told.set)
                handler(number, frame)

            return heard

        for number, handler in servers.items():
            if callable(handler):
                signal.signal(number, hearing(handler))
        try:
            yield
        finally:
            for number, handler in servers.items():
                signal.signal(number, handler)
