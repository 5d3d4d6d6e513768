"""What every operation works with: the store, the jobs, the server's files, and threads."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from py_mlops.commands.comparison.differ import Differ
from py_mlops.server.room import Room
from py_mlops.server.threads import Threads, silent

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager

    from py_mlops.server.contract import Route
    from py_mlops.server.queue import Queue

_AT_STORE, _AT_JOBS = 6, 2
"""How many threads; JupyterLab's page asks six questions at once, of all that it asks a server."""


class Desk:
    """The one place from which a server's operations reach everything else.

    Attributes:
        room: The store.
        queue: The jobs.
        differ: Compares notebooks.
        contents: The server's contents manager, the only way to a path of the client's.
        at_store: Threads for what asks the store, which may hang.
        at_jobs: Threads for what asks the jobs alone, and answers all the same.
    """

    def __init__(self, room: Room, queue: Queue, contents: ContentsManager) -> None:
        """Take what a server has."""
        self.room, self.queue, self.contents = room, queue, contents
        self.differ = Differ()
        self.at_store = Threads(_AT_STORE, "py-mlops-store")
        self.at_jobs = Threads(_AT_JOBS, "py-mlops-jobs")

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
        threads = self.at_store if route.store else self.at_jobs
        try:
            async with asyncio.timeout(route.slow):
                if inspect.iscoroutinefunction(route.work):
                    return await route.work(self, asked)
                return await threads.run(route.work, self, asked)
        except TimeoutError as error:
            raise silent() from error

    def close(self) -> None:
        """Release everything; threads that hang are left to hang."""
        self.at_store.close()
        self.at_jobs.close()
        self.differ.close()
        self.room.close()
