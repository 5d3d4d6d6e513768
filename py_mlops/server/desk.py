"""What every operation works with: the store, the jobs, the server's files, and threads."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from py_mlops.commands.comparison.differ import Differ
from py_mlops.errors import StoreUnavailable
from py_mlops.server.room import Room

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager

    from py_mlops.server.contract import Route
    from py_mlops.server.queue import Queue

_THREADS = 4
_MOST_WAITING = 64


class Desk:
    """The one place from which a server's operations reach everything else.

    Attributes:
        room: The store.
        queue: The jobs.
        differ: Compares notebooks.
        contents: The server's contents manager, the only way to a path of the client's.
    """

    def __init__(self, room: Room, queue: Queue, contents: ContentsManager) -> None:
        """Take what a server has."""
        self.room, self.queue, self.contents = room, queue, contents
        self.differ = Differ()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="py-mlops")
        self._waiting = 0

    async def answer(self, route: Route, asked: object) -> Any:
        """Do what a route is for, without ever holding up the event loop.

        Args:
            route: The route.
            asked: Its parameters, checked.

        Returns:
            Its answer.

        Raises:
            StoreUnavailable: When the store does not answer in time; the thread
                that waits for it is not waited for.
            MlopsError: Whatever the operation raises.
        """
        try:
            async with asyncio.timeout(route.slow):
                if inspect.iscoroutinefunction(route.work):
                    return await route.work(self, asked)
                return await self.in_thread(route.work, self, asked)
        except TimeoutError as error:
            raise _silent() from error

    async def in_thread(self, work: Any, *arguments: Any) -> Any:
        """Run a blocking function in one of a few threads of our own.

        Raises:
            StoreUnavailable: When too many wait for a thread already.
        """
        if self._waiting >= _MOST_WAITING:
            raise _silent()
        self._waiting += 1
        try:
            future = self._threads.submit(work, *arguments)
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
        """Release everything; threads that hang are left to hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.differ.close()
        self.room.close()


def _later(loop: asyncio.AbstractEventLoop, call: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


def _silent() -> StoreUnavailable:
    return StoreUnavailable(
        "The store does not answer.",
        hint="Check its disk, or the server of its database; then try again.",
    )
