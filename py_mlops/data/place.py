"""Puts recorded files below a folder, and never outside it."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from py_mlops.data.drafts import drafts
from py_mlops.errors import Hostile, InputError, StoreUnavailable
from py_mlops.progress import Progress, Report, silent
from py_mlops.store.base import Blobs

ELSEWHERE = "elsewhere"
"""Folder for restored files that lay outside the notebook's own folder."""

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


def mirror_layout(path: str) -> str:
    """Return a recorded absolute path as one below a folder that stands for the root.

    Args:
        path: An absolute path from a record; hostile until it passes.

    Returns:
        The path without its leading slash.

    Raises:
        Hostile: When it is not absolute, not normal, or could leave the folder.
    """
    plain = path.startswith("/") and not path.startswith("//") and os.path.normpath(path) == path
    if not plain or path == "/" or "\0" in path:
        raise Hostile(
            f"The record names the path {path!r}, which is not a plain absolute path.",
            hint="Do not use this snapshot; ask its author where it came from.",
        )
    return path[1:]


def relative_layout(path: str, directory: str) -> str:
    """Return where a recorded absolute path goes below a restore folder.

    Args:
        path: An absolute path from a record; hostile until it passes.
        directory: The notebook's folder, absolute.

    Returns:
        The path relative to ``directory`` when it lies in it, else
        ``elsewhere/`` and the whole path.

    Raises:
        Hostile: As for `mirror_layout`.
    """
    whole = mirror_layout(path)
    prefix = directory.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else f"{ELSEWHERE}/{whole}"


def place(
    items: Sequence[tuple[str, Sequence[str]]],
    blobs: Blobs,
    root: Path,
    report: Report = silent,
    *,
    overwrite: bool = False,
    durable: bool = False,
) -> None:
    """Write verified copies of blobs below a folder.

    Folders on the way are opened one by one without following symbolic links,
    so that neither a name with ``..`` nor a link that someone put into the
    folder leads out of it. Every name is checked before the first byte is
    written; a file appears under its name only when it is whole. A file that is
    there already with the very content is kept. The folder of drafts that a
    killed call left behind is removed by the next.

    Args:
        items: Relative path and the digests of its content, in order.
        blobs: Where the content is.
        root: The folder; it is made when it is not there.
        report: Told about progress.
        overwrite: Replace a file that is something else.
        durable: Bring files and folders to the disk, so that a power cut after
            the return changes nothing.

    Raises:
        Hostile: When a path could lead out of the folder, or two items want the
            same place.
        InputError: When there is something else at a path already, or the
            folder cannot be made.
        Corrupt, Missing: When stored bytes are damaged or gone.
        StoreUnavailable: When the folder cannot be written.
    """
    wanted = _check(items)
    made = _make(root)
    with write_failures(root):
        with drafts(root) as held:
            for number, (parts, digests) in enumerate(wanted.items()):
                relative = "/".join(parts)
                report(Progress("data", relative.rpartition("/")[2], number, len(wanted)))
                fill = partial(_assemble, digests=digests, blobs=blobs)
                with write_failures(root / relative), _folder(root, parts[:-1]) as folder:
                    draft = _Draft(held / "draft", fill, root / relative, durable)
                    _write(folder, parts[-1], draft, overwrite=overwrite)
        if durable:
            _sync(root, made, wanted)


def place_bytes(name: str, data: bytes, root: Path) -> None:
    """Write one file right below a folder that is there, as `place` writes blobs durably.

    Args:
        name: The file's name.
        data: Its content.
        root: The folder.

    Raises:
        InputError: When there is something else of that name already.
        StoreUnavailable: When the folder cannot be written.
    """
    with write_failures(root / name), drafts(root) as held, _folder(root, ()) as folder:
        draft = _Draft(held / "draft", lambda path: path.write_bytes(data), root / name, True)
        _write(folder, name, draft, overwrite=False)
        os.fsync(folder)


def make_executable(relative: str, root: Path) -> None:
    """Let a placed file be executed, as its original could; no link is followed.

    Args:
        relative: Its path, as given to `place`.
        root: The folder.
    """
    *folders, name = relative.split("/")
    with write_failures(root / relative), _folder(root, folders) as folder:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fchmod(file, 0o755)
        finally:
            os.close(file)


def _make(root: Path) -> list[Path]:
    """Make a folder with its parents; return the folders in which one was made."""
    try:
        absent = list(itertools.takewhile(lambda path: not path.exists(), [root, *root.parents]))
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{root} cannot be made: {error.strerror}.", hint="Choose another folder."
        ) from error
    return [path.parent for path in absent]


def _sync(root: Path, made: Sequence[Path], wanted: Iterable[tuple[str, ...]]) -> None:
    """Bring the names to the disk: of the files, of their folders, and of the root."""
    folders = {parts[:end] for parts in wanted for end in range(len(parts))}
    for parts in sorted(folders, reverse=True):
        with write_failures(root.joinpath(*parts)), _folder(root, parts) as folder:
            os.fsync(folder)
    for path in made:
        _sync_path(path)


def _sync_path(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def write_failures(path: Path) -> Iterator[None]:
    """Say in our words, naming ``path``, why a block could not write there."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written: {error.strerror}.",
            hint="Free some space, or choose another folder.",
        ) from error


def _check(items: Sequence[tuple[str, Sequence[str]]]) -> dict[tuple[str, ...], list[str]]:
    wanted: dict[tuple[str, ...], list[str]] = {}
    folders: set[tuple[str, ...]] = set()
    for relative, digests in items:
        parts = tuple(relative.split("/"))
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise Hostile(
                f"The path {relative!r} would lead out of the folder it belongs to.",
                hint="Do not use this snapshot; ask its author where it came from.",
            )
        folders.update(parts[:end] for end in range(1, len(parts)))
        if wanted.setdefault(parts, list(digests)) != list(digests):
            _collide(relative)
    for parts in wanted:
        if parts in folders:
            _collide("/".join(parts))
    return wanted


def _collide(relative: str) -> None:
    raise Hostile(
        f"Two recorded files want to be {relative!r}.",
        hint="Do not use this snapshot; ask its author where it came from.",
    )


@contextmanager
def _folder(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """Open a folder below the root, making it when it is not there; yield its descriptor."""
    folder = os.open(root, _FOLDER)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
            try:
                inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                    raise
                raise Hostile(
                    f"{part!r} in {root / '/'.join(parts)} is a link or no folder; following it "
                    "could lead out of the folder.",
                    hint="Restore into an empty folder.",
                ) from error
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


class _Draft(NamedTuple):
    """A file that is made whole apart from its place.

    Attributes:
        path: Where; it is free again when the file has its place.
        fill: Writes the content there.
        shown: The file's place, for messages.
        durable: Whether it is brought to the disk before it has its name.
    """

    path: Path
    fill: Callable[[Path], object]
    shown: Path
    durable: bool


def _write(folder: int, name: str, draft: _Draft, *, overwrite: bool) -> None:
    draft.fill(draft.path)
    if not _same(folder, name, draft.path):
        if draft.durable:
            _sync_path(draft.path)
        if overwrite:
            os.replace(draft.path, name, dst_dir_fd=folder)
        elif not _publish(draft.path, name, folder):
            raise InputError(
                f"{draft.shown} is there already, and is something else.",
                hint="Restore into an empty folder, or move it away first.",
            )
    draft.path.unlink(missing_ok=True)


def _assemble(held: Path, digests: Sequence[str], blobs: Blobs) -> None:
    if not digests:
        held.touch()
    for number, digest in enumerate(digests):
        if number == 0:
            blobs.copy_to(digest, held)
            held.chmod(0o644)
            continue
        part = held.with_name(f"{held.name}-part")
        blobs.copy_to(digest, part)
        with part.open("rb") as source, held.open("ab") as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
        part.unlink()


def _publish(held: Path, name: str, folder: int) -> bool:
    """Give a file its name, unless something has that name already."""
    try:
        os.link(held, name, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with suppress(FileNotFoundError):  # a file system without hard links
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            return False
        os.rename(held, name, dst_dir_fd=folder)
    return True


def _same(folder: int, name: str, held: Path) -> bool:
    """Say whether a regular file of that name holds the very bytes."""
    try:
        there = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(there, "rb") as old, held.open("rb") as new:
        if not stat.S_ISREG(os.fstat(there).st_mode):
            return False
        while True:
            a, b = old.read(_CHUNK), new.read(_CHUNK)
            if a != b:
                return False
            if not a:
                return True
