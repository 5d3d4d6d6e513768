"""Puts recorded files below a folder, and never outside it."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from py_mlops.data.drafts import drafts
from py_mlops.errors import Hostile, InputError, StoreUnavailable
from py_mlops.progress import Progress, Report, silent
from py_mlops.store.blobs.intake import syncfs

ELSEWHERE = "elsewhere"
"""Folder for restored files that lay outside the notebook's own folder."""

_CHUNK = 1 << 20
_BATCH = 10_000
"""Files that are written before the first of them has its name."""
_SYNCFS_FROM = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


class Source(Protocol):
    """Where content comes from: a store's blobs, or a snapshot's `Contents`."""

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy to a new file, as `Blobs.copy_to`."""
        ...


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
    blobs: Source,
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
            drafted = []
            for number, (parts, digests) in enumerate(wanted.items(), 1):
                report(Progress("data", parts[-1], number - 1, len(wanted)))
                with write_failures(root.joinpath(*parts)):
                    _assemble(held / str(number), digests, blobs)
                drafted.append((parts, held / str(number)))
                if len(drafted) >= _BATCH or number == len(wanted):
                    if durable:
                        _sync_drafts(held, drafted)
                    _name(root, drafted, overwrite=overwrite)
                    drafted.clear()
        if durable:
            _sync(root, made, wanted)


def check_space(size: int, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    A record of a few bytes can tell of files that together are larger than any
    disk: a small file may be there a million times.

    Args:
        size: Bytes that are to be written.
        folder: Below which; it need not be there yet.

    Raises:
        StoreUnavailable: When there is less space.
    """
    place = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    with write_failures(folder):
        free = shutil.disk_usage(place).free
    if size > free:
        raise StoreUnavailable(
            f"{folder} cannot hold the files: they are {size:,} bytes, and {free:,} are free.",
            hint="Free some space, or choose another folder.",
        )


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
    with write_failures(root / name):
        with drafts(root) as held:
            draft = held / "draft"
            draft.write_bytes(data)
            _sync_path(draft)
            _name(root, [((name,), draft)], overwrite=False)
        # Not before: that the drafts are gone is to be on the disk, too.
        _sync_path(root)


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


_Drafted = tuple[tuple[str, ...], Path]
"""A file's place below the root, as parts of its path, and the draft that is made whole."""


def _sync_drafts(held: Path, drafted: Sequence[_Drafted]) -> None:
    """Bring drafts to the disk before they have their names."""
    if len(drafted) > _SYNCFS_FROM:
        file = os.open(held, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syncfs(file)
        finally:
            os.close(file)
    else:
        for _, draft in drafted:
            _sync_path(draft)


def _name(root: Path, drafted: Sequence[_Drafted], *, overwrite: bool) -> None:
    """Give drafts their names; each folder is opened once for all of its files in a row."""
    for parts, members in itertools.groupby(drafted, lambda item: item[0][:-1]):
        with write_failures(root.joinpath(*parts)), _folder(root, parts) as folder:
            for place, draft in members:
                with write_failures(root.joinpath(*place)):
                    _write(folder, draft, root.joinpath(*place), overwrite=overwrite)


def _write(folder: int, draft: Path, shown: Path, *, overwrite: bool) -> None:
    name = shown.name
    if not _same(folder, name, draft):
        if overwrite:
            os.replace(draft, name, dst_dir_fd=folder)
        elif not _publish(draft, name, folder):
            raise InputError(
                f"{shown} is there already, and is something else.",
                hint="Restore into an empty folder, or move it away first.",
            )
    draft.unlink(missing_ok=True)


def _assemble(held: Path, digests: Sequence[str], blobs: Source) -> None:
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
