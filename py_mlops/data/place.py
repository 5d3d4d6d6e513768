"""Puts recorded files below a folder, and never outside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from py_mlops.errors import Hostile, InputError, StoreUnavailable
from py_mlops.progress import Progress, Report, silent
from py_mlops.store.base import Blobs

ELSEWHERE = "elsewhere"
"""Folder for restored files that lay outside the notebook's own folder."""

_CHUNK = 1 << 20


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
) -> None:
    """Write verified copies of blobs below a folder.

    Folders on the way are opened one by one without following symbolic links,
    so that neither a name with ``..`` nor a link that someone put into the
    folder leads out of it. A file that is there already with the very content
    is kept.

    Args:
        items: Relative path and the digests of its content, in order.
        blobs: Where the content is.
        root: The folder; it is made when it is not there.
        report: Told about progress.

    Raises:
        Hostile: When a path could lead out of the folder.
        InputError: When there is something else at a path already.
        Corrupt, Missing: When stored bytes are damaged or gone.
        StoreUnavailable: When the folder cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    for number, (relative, digests) in enumerate(items):
        report(Progress("data", relative, number, len(items)))
        parts = _parts(relative)
        try:
            folder = _open_folder(root, parts[:-1], relative)
            try:
                _write(folder, parts[-1], digests, blobs, root / relative)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreUnavailable(
                f"{root / relative} cannot be written: {error.strerror}.",
                hint="Free some space, or choose another folder.",
            ) from error


def _parts(relative: str) -> list[str]:
    parts = relative.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise Hostile(
            f"The path {relative!r} would lead out of the folder it belongs to.",
            hint="Do not use this snapshot; ask its author where it came from.",
        )
    return parts


def _open_folder(root: Path, parts: Sequence[str], relative: str) -> int:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            try:
                os.mkdir(part, dir_fd=folder)
            except FileExistsError:
                pass
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                inner = os.open(part, flags, dir_fd=folder)
            except (NotADirectoryError, OSError) as error:
                raise Hostile(
                    f"{part!r} on the way to {relative!r} is a link or no folder; following it "
                    "could lead out of the folder.",
                    hint="Restore into an empty folder.",
                ) from error
            os.close(folder)
            folder = inner
    except BaseException:
        os.close(folder)
        raise
    return folder


def _write(folder: int, name: str, digests: Sequence[str], blobs: Blobs, shown: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".mlops-", dir=f"/proc/self/fd/{folder}") as held:
        whole = Path(held) / "whole"
        blobs.copy_to(digests[0], whole)
        for number, digest in enumerate(digests[1:]):
            part = Path(held) / str(number)
            blobs.copy_to(digest, part)
            with part.open("rb") as source, whole.open("ab") as sink:
                while chunk := source.read(_CHUNK):
                    sink.write(chunk)
        whole.chmod(0o644)
        try:
            os.link(whole, name, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError as error:
            if not _same(folder, name, whole):
                raise InputError(
                    f"{shown} is there already, and is something else.",
                    hint="Restore into an empty folder, or move it away first.",
                ) from error


def _same(folder: int, name: str, whole: Path) -> bool:
    try:
        there = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(there, "rb") as old, whole.open("rb") as new:
        while True:
            a, b = old.read(_CHUNK), new.read(_CHUNK)
            if a != b:
                return False
            if not a:
                return True
