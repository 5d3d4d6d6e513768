"""Keeps what a session's inputs held, when the session itself is about to overwrite them."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
from typing import Tuple

LIMIT = 1 << 30
"""Bytes that one session keeps in all."""

Kept = Tuple[str, str]
"""The copy's name, or an empty text; and why there is no copy, where there is something to say."""

BEFORE = "MLOPS_TRACE_KEEP"
"""The environment variable that names, behind a time, the folder of the tracer's copies."""
_PREFIX = "mlops-originals-"
_PIECE = 1 << 30


class Originals:
    """Copies of files in a private folder, which is removed when the process ends.

    Attributes:
        wanted: Whether anything is kept; a rerun's inputs are in the store already.
    """

    def __init__(self) -> None:
        """Begin with none; the folder is made for the first copy."""
        self.wanted = True
        self._process = os.getpid()
        self._folder = ""
        self._size = 0
        self._numbers = itertools.count(1)
        self._paths: dict[str, str] = {}

    def keep(self, path: str, look: tuple[int, int, int]) -> Kept:
        """Copy a file that is about to change.

        Args:
            path: The file's absolute path.
            look: Size, modification time and inode that it was read with. A file
                that looks otherwise by now is not what was read.

        Returns:
            Name and problem. Nothing is raised: whoever is about to write must
            be able to go on.
        """
        if not self.wanted or os.getpid() != self._process:  # a forked child reports nothing
            return "", ""
        name = self._taken_before(look)
        if name:
            return name, ""
        if self._size + look[0] > LIMIT:
            return "", f"a session keeps {LIMIT >> 30} GiB of overwritten files at most"
        try:
            name = f"original-{next(self._numbers)}"
            self._folder = self._folder or _private_folder()
            copy = os.path.join(self._folder, name)
            if not _copied(path, look, copy):
                return "", "it had changed before"
            self._paths[name] = copy
            self._size += look[0]
        except Exception as error:
            return "", f"no copy could be made: {getattr(error, 'strerror', None) or error}"
        return name, ""

    def _taken_before(self, look: tuple[int, int, int]) -> str:
        """Return the name of the copy that the tracer made before native code wrote; or none."""
        folder = os.environ.get(BEFORE, "").partition(" ")[2]
        copy = os.path.join(folder, "-".join(map(str, look)))
        try:
            if not folder or os.stat(copy).st_size != look[0]:
                return ""
        except OSError:
            return ""
        name = f"original-{next(self._numbers)}"
        self._paths[name] = copy
        return name

    def give(self, name: str, folder: str) -> None:
        """Put a copy into a folder under its name; a link when the file system can."""
        target = os.path.join(folder, name)
        try:
            os.link(self._paths[name], target)
        except OSError:
            shutil.copyfile(self._paths[name], target)


def _copied(path: str, look: tuple[int, int, int], copy: str) -> bool:
    """Copy a regular file and say whether it looked as given, before and after."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not _is(source, look):
            return False
        if shutil.disk_usage(os.path.dirname(copy)).free < 2 * look[0]:
            raise OSError("the folder of temporary files is too full")
        try:
            _fill(source, copy, look[0])
            if _is(source, look) and os.path.getsize(copy) == look[0]:
                return True
            os.unlink(copy)
        except BaseException:  # an interrupt too
            with contextlib.suppress(OSError):
                os.unlink(copy)
            raise
        return False
    finally:
        os.close(source)


def _fill(source: int, copy: str, size: int) -> None:
    target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(target, "wb") as sink:
        # Shares the blocks where the file system can; some cannot, or stop early.
        with contextlib.suppress(OSError, AttributeError):
            while os.copy_file_range(source, target, _PIECE):
                pass
        if os.fstat(target).st_size != size:
            os.lseek(source, 0, os.SEEK_SET)
            sink.seek(0)
            sink.truncate()
            with os.fdopen(os.dup(source), "rb") as stream:
                shutil.copyfileobj(stream, sink, 1 << 20)


def _is(descriptor: int, look: tuple[int, int, int]) -> bool:
    found = os.fstat(descriptor)
    now = (found.st_size, found.st_mtime_ns, found.st_ino)
    return stat.S_ISREG(found.st_mode) and now == look


def _private_folder() -> str:
    """Make the folder, and remove those that killed kernels left behind."""
    parent = tempfile.gettempdir()
    _sweep(parent)
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    _lock(folder)  # held until the process ends, however it ends
    atexit.register(_remove, folder, os.getpid())
    return folder


def _sweep(parent: str) -> None:
    with os.scandir(parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(_PREFIX)]
    for name in names:
        folder = os.path.join(parent, name)
        with contextlib.suppress(OSError):  # its kernel lives, or it is someone else's
            held = _lock(folder)
            try:
                if os.fstat(held).st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)


def _lock(folder: str) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
