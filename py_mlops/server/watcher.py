"""Notices what other processes changed, in store and jobs, and tells whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from py_mlops.errors import MlopsError
from py_mlops.server import runner
from py_mlops.store.opening import LEDGER

if TYPE_CHECKING:
    from watchfiles import Change

    from py_mlops.server.desk import Desk

_STEP = 50
"""Milliseconds for which changes are gathered into one."""

_TIMEOUT = 5_000
"""Milliseconds after which it is looked all the same, for what no notification tells of."""

_POLL = 2.0
"""Seconds between two looks at a team's database, which may tell nothing."""

_LONGEST_PAUSE = 16
"""Looks between two attempts to have the database tell."""

_READ_AT_ONCE = 25

Tell = Callable[[str, str], None]
"""Gets the event's kind, ``store`` or ``job``, and id."""


class Watcher:
    """Looks after store and queue for as long as the server lives.

    A store's folder and the queue's are under notification by the system; a
    team's database tells when its log has grown, and is asked every 2 seconds
    all the same. Whatever fails here is logged and tried again: the panel
    still has its own slow questions.
    """

    def __init__(self, desk: Desk, tell: Tell, log: logging.Logger) -> None:
        """Take what is watched, and whom to tell."""
        self._desk, self._tell, self._log = desk, tell, log
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._known: tuple[str, int] | None = None
        self._seen: dict[str, object] = {}

    def start(self) -> None:
        """Begin to watch; needs a running event loop."""
        store = self._watch_folder if self._desk.room.folder else self._watch_database
        watched = [self._watch_jobs, store]
        self._tasks = [asyncio.create_task(self._for_ever(work)) for work in watched]

    async def stop(self) -> None:
        """End all watching."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look(self) -> None:
        """Follow the store's log once, and tell when it is not as it was."""
        try:
            found = await self._desk.at_store.run(self._place)
        except MlopsError as error:
            found = (f"unavailable: {error.message}", -1)
        if found != self._known:
            first = self._known is None
            self._known = found
            if not first:
                self._tell("store", found[0] if found[1] >= 0 else "")
        if found[1] > 0:
            try:
                await self._read_more(found[0])
            except MlopsError as error:  # of a bucket, say: the lists show what they have
                self._log.debug("py_mlops | %s", error.message)

    def _place(self) -> tuple[str, int]:
        room = self._desk.room
        if not room.is_there():
            return "", 0
        catalogue = room.catalogue()
        return room.workspace().store.ledger.name(), catalogue.follower.size()

    async def _read_more(self, name: str) -> None:
        """Read what the lists lack, in small pieces, and tell when they are whole."""
        read = 0
        while not self._stop.is_set():
            catalogue = await self._desk.at_store.run(self._desk.room.catalogue)
            done = await self._desk.at_store.run(catalogue.follower.read_more, _READ_AT_ONCE)
            if not done:
                break
            read += done
            if read % (_READ_AT_ONCE * 40) < _READ_AT_ONCE:
                self._tell("store", name)
            await asyncio.sleep(0.02)  # others come first
        if read:
            self._tell("store", name)

    async def _for_ever(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - the server goes on, and it is tried again
                self._log.warning("py_mlops | watching failed, and is tried again", exc_info=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 5)

    async def _watch_folder(self) -> None:
        folder = self._desk.room.folder
        assert folder is not None  # noqa: S101 - a team's store is polled
        await self.look()
        async for _ in self._changes(folder, _LedgerOnly(folder)):
            await self.look()

    async def _watch_jobs(self) -> None:
        queue = self._desk.queue
        await self._desk.at_jobs.run(queue.make)
        await self._desk.at_jobs.run(queue.look)
        async for changes in self._changes(queue.folder, _jobs_only):
            names = [Path(path) for _, path in changes]
            await self._jobs(
                {path.relative_to(queue.folder).parts[0] for path in names
                 if queue.folder in path.parents}
            )  # fmt: skip

    async def _jobs(self, named: set[str]) -> None:
        queue = self._desk.queue
        await self._desk.at_jobs.run(queue.look)
        page = await self._desk.at_jobs.run(queue.page)
        for job in page.items:
            # A process that died tells nobody: its state is seen at the next look.
            if job.id in named or self._seen.get(job.id, job.state) != job.state:
                self._tell("job", job.id)
        self._seen = {job.id: job.state for job in page.items}

    async def _changes(
        self, folder: Path, wanted: Callable[[Change, str], bool]
    ) -> AsyncIterator[set[tuple[Change, str]]]:
        """Yield what changes in a folder, and nothing every few seconds, also when it comes later.

        Until the folder is there the nearest one above it is watched. Without
        watchfiles, which the extra ``lab`` brings, nothing is yielded, every few seconds.
        """
        try:
            from watchfiles import awatch  # noqa: PLC0415 - an extra; kernels are observed without
        except ImportError:
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _TIMEOUT / 1000)
                yield set()
            return
        while not self._stop.is_set():
            there = _nearest(folder)
            identity = _inode(there)
            async for changes in awatch(
                there,
                watch_filter=wanted,
                recursive=there == folder,
                step=_STEP,
                debounce=_STEP * 4,
                stop_event=self._stop,
                rust_timeout=_TIMEOUT,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                yield changes
                if _nearest(folder) != there or _inode(there) != identity:
                    break

    async def _watch_database(self) -> None:
        pause = 1
        while not self._stop.is_set():
            try:
                workspace = await self._desk.at_store.run(self._desk.room.workspace)
                async with workspace.store.ledger.listening() as heard:
                    pause = 1
                    while not self._stop.is_set():
                        await self.look()  # at first, what came before anyone listened
                        await heard(_POLL)
            except MlopsError as error:
                self._log.debug("py_mlops | %s", error.message)
            before = self._known
            for _ in range(pause):  # a standby never tells
                await self.look()
                if self._known != before:
                    break  # it may be back
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _POLL)
            pause = min(2 * pause, _LONGEST_PAUSE)


class _LedgerOnly:
    """Lets notifications about the ledger's files through, and about the store's own coming."""

    def __init__(self, folder: Path) -> None:
        self._prefix, self._folder = str(folder / LEDGER), str(folder)

    def __call__(self, _: Change, path: str) -> bool:
        """Say whether a path is one of them; reading touches only the shared memory."""
        return (path.startswith(self._prefix) and not path.endswith("-shm")) or (
            self._folder.startswith(path)
        )


def _jobs_only(_: Change, path: str) -> bool:
    name = os.path.basename(path)  # noqa: PTH119 - called for each notification
    return not name.startswith(".") and name not in {runner.LOCK, runner.PID, runner.LOG}


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _inode(folder: Path) -> int:
    try:
        return folder.stat().st_ino
    except OSError:
        return -1
