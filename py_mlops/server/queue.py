"""The durable queue of jobs: a folder each, run a few at once, whatever becomes of the server."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import platformdirs

from py_mlops.errors import InputError, StoreUnavailable, UnknownReference
from py_mlops.server import runner
from py_mlops.server.outcome import job_of, result_of
from py_mlops.server.work import Job, JobLog, JobPage, JobRequest, JobResult
from py_mlops.settings import APP, Settings

RUNNING = 1
"""How many jobs run at once: a rerun trains a model, and takes what the machine has."""

WAITING = 50
_KEPT = 200
_PIECE = 65536
_ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")
_STAMP = str.maketrans("", "", "-:.Z")
_ENDED = ("done", "failed", "cancelled", "lost")
_PATIENCE = 20.0


class Queue:
    """The jobs on one store, shared by every server of the person on it.

    A job's folder is all there is to know of it. Its process belongs to no
    server; one that waits begins when any server looks.
    """

    def __init__(self, settings: Settings) -> None:
        """Take the folder of a store's jobs; it is made by the first one."""
        name = hashlib.sha256(settings.store.encode()).hexdigest()[:16]
        self.folder = platformdirs.user_data_path(APP) / "jobs" / name
        self._settings = settings
        self._ended: dict[str, Job] = {}
        self._turn = threading.Lock()

    def add(self, request: JobRequest, command: list[str], model: str, author: str) -> Job:
        """Queue a job, and begin it when there is room.

        Args:
            request: What was asked for.
            command: The command line that does it.
            model: The model it is about; empty for the whole store.
            author: Who asked.

        Raises:
            InputError: When too many wait already.
            StoreUnavailable: When the queue's folder cannot be written.
        """
        created = runner.now()
        stamp = created.translate(_STAMP)
        identifier = f"{stamp}-{secrets.token_hex(4)}"
        said = {
            "request": msgspec.to_builtins(request), "command": command, "model": model,
            "author": author, "created": created,
        }  # fmt: skip
        with self._writing():
            waiting = [job for job in self._all() if job.state == "queued"]
            if len(waiting) >= WAITING:
                raise InputError(
                    f"{len(waiting)} jobs wait already.", hint="Cancel some, or wait for them."
                )
            draft = self.folder / f".{identifier}"
            draft.mkdir(parents=True, mode=0o700)
            runner.write(draft / runner.JOB, json.dumps(said))
            draft.rename(self.folder / identifier)
            self._begin()
            self._forget_old()
        return self.job(identifier)

    def job(self, identifier: str) -> Job:
        """Return a job as it is now.

        Raises:
            UnknownReference: When there is none of that id, or it is long forgotten.
        """
        if _ID.fullmatch(identifier):
            found = self._ended.get(identifier) or job_of(self.folder / identifier)
            if found is not None:
                if found.state in _ENDED:
                    self._ended[identifier] = found
                return found
        raise UnknownReference(
            f"There is no job {identifier[:40]}.", hint="Ended jobs are forgotten after a while."
        )

    def page(self, *, before: str | None = None, limit: int = 50) -> JobPage:
        """List jobs, newest first.

        Args:
            before: Only those before this one.
            limit: At most so many.
        """
        every = self._all()
        found = [job for job in every if before is None or job.id < before]
        return JobPage(
            items=found[:limit],
            next=found[limit - 1].id if len(found) > limit else None,
            running=sum(job.state == "running" for job in every),
            waiting=sum(job.state == "queued" for job in every),
        )

    def log(self, identifier: str, offset: int) -> JobLog:
        """Return a piece of a job's log.

        Args:
            identifier: The job.
            offset: Where to begin, in bytes.
        """
        ended = self.job(identifier).state in _ENDED
        try:
            with (self.folder / identifier / runner.LOG).open("rb") as file:
                file.seek(offset)
                data = file.read(_PIECE)
        except FileNotFoundError:
            data = b""
        if len(data) == _PIECE:  # no character is cut in two
            data = data[: data.rfind(b"\n") + 1] or data
        return JobLog(
            text=data.decode("utf-8", "replace"),
            next=offset + len(data),
            ended=ended and len(data) < _PIECE // 2,
        )

    def result(self, identifier: str) -> JobResult:
        """Return what a job's verb printed for a program.

        Args:
            identifier: The job.
        """
        self.job(identifier)
        return JobResult(id=identifier, result=result_of(self.folder / identifier))

    def cancel(self, identifier: str) -> Job:
        """Cancel a job, with everything that it has started.

        One that has ended stays as it is. One that runs is asked to end in good
        order first.
        """
        self.job(identifier)
        folder = self.folder / identifier
        with self._writing():
            job = job_of(folder)
            if job is None or job.state in _ENDED:
                return self.job(identifier)
            runner.write(folder / runner.CANCEL, runner.now())
            if job.state == "queued":
                ended = {"code": 0, "cancelled": True, "time": runner.now()}
                runner.write(folder / runner.ENDED, json.dumps(ended))
                return self.job(identifier)
        self._signal(folder, signal.SIGTERM)
        return self.job(identifier)

    def make(self) -> None:
        """Make the queue's folder, so that it can be watched; where it cannot be, it waits."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def look(self) -> None:
        """Begin what waits when there is room; notice what has ended."""
        if self.folder.exists():
            with self._writing():
                self._begin()

    def _all(self) -> list[Job]:
        try:
            names = sorted(os.listdir(self.folder), reverse=True)  # noqa: PTH208 - names only
        except FileNotFoundError:
            return []
        found = []
        for name in names:
            if _ID.fullmatch(name):
                with contextlib.suppress(UnknownReference):
                    found.append(self.job(name))
        return found

    def _begin(self) -> None:
        every = self._all()
        room = RUNNING - sum(job.state == "running" for job in every)
        for job in reversed(every):
            if room <= 0:
                return
            if job.state == "queued":
                self._start(self.folder / job.id)
                room -= 1

    def _start(self, folder: Path) -> None:
        own = {"MLOPS_STORE": self._settings.store, "MLOPS_CACHE": str(self._settings.cache)}
        environment = {key: value for key, value in os.environ.items() if key not in _NOT_A_JOBS}
        with (folder / runner.LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "py_mlops.server.runner", str(folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env=environment | own, start_new_session=True,
            )  # fmt: skip
        try:
            code = child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        if code:
            ended = {"code": code, "cancelled": False, "time": runner.now()}
            runner.write(folder / runner.ENDED, json.dumps(ended))

    def _signal(self, folder: Path, number: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / runner.PID).read_text())
            job = job_of(folder)
            if job is not None and job.state == "running":  # its lock is held: the pid is its own
                os.kill(pid, number)

    def _forget_old(self) -> None:
        ended = [job for job in self._all() if job.state in _ENDED]
        for job in ended[_KEPT:]:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)
            self._ended.pop(job.id, None)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one server decide at a time."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder of jobs, {self.folder}, cannot be written: {error.strerror}.",
                hint="Check its disk and permissions.",
            ) from error
        try:
            with self._turn:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        finally:
            os.close(lock)


_NOT_A_JOBS = (
    "MLOPS_NOTEBOOK", "MLOPS_PARAMETERS", "MLOPS_HANDOVER", "JPY_SESSION_NAME",
    "JUPYTER_TOKEN", "JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN",
)  # fmt: skip
"""What a kernel is told of its notebook, and what opens the server's doors."""
