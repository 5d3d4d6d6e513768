"""A few threads for work that blocks, so that the server's event loop never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from py_mlops.errors import StoreUnavailable

_MOST_WAITING = 64


class Threads:
    """So many threads at most; work for which none is free waits, and not very much of it may."""

    def __init__(self, count: int, name: str) -> None:
        """Start none yet."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run a blocking function in one of the threads.

        Raises:
            StoreUnavailable: When too many wait for a thread already.
        """
        if self._waiting >= _MOST_WAITING:
            raise silent()
        self._waiting += 1
        try:
            future = self._pool.submit(work, *arguments)
        except BaseException:
            self._waiting -= 1
            raise
        loop = asyncio.get_running_loop()
        # It counts until the thread is free again, not until somebody gave up.
        future.add_done_callback(lambda _: _later(loop, self._done))
        return await asyncio.wrap_future(future)

    def _done(self) -> None:
        self._waiting -= 1

    def close(self) -> None:
        """Start no more work; threads that hang are left to hang."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def silent() -> StoreUnavailable:
    """Return the error for whoever waits for an answer in vain."""
    return StoreUnavailable(
        "The store does not answer.",
        hint="Check its disk, or the server of its database; then try again.",
    )


def _later(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
