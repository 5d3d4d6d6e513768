"""A path of the client's, which only the server's contents manager may turn into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.filemanager import FileContentsManager
from tornado.web import HTTPError

from py_mlops.errors import InputError, UnknownReference

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager

LARGEST = 128 * 1024 * 1024
"""Larger notebooks get no badge: reading one at each save would slow the server down."""


async def on_disk(contents: ContentsManager, path: str) -> Path:
    """Return where a path of the file browser is on this machine.

    Args:
        contents: The server's contents manager.
        path: The path as its API names it.

    Returns:
        The absolute path; it need not exist.

    Raises:
        InputError: When it leads out of the server's root or to hidden files,
            or the server's files are on no disk.
    """
    found = place(contents, path)
    if found is None:
        raise InputError(
            "This server keeps its files somewhere else than on its disk.",
            hint="Use `mlops restore` in a terminal.",
        )
    # The folder need not be there; the part of the path that is decides.
    if not contents.allow_hidden and any(part.startswith(".") for part in path.split("/")):
        raise InputError(f"{path} is hidden.", hint="Choose a folder that the browser shows.")
    if not _is_below(found, Path(contents.root_dir)):
        raise InputError(
            f"{path} is not below the server's folder.", hint="Choose a folder below it."
        )
    return found


def _is_below(path: Path, root: Path) -> bool:
    """Say whether a path leads below a root, with its symbolic links followed."""
    return path.resolve().is_relative_to(root.resolve())


def place(contents: ContentsManager, path: str) -> Path | None:
    """Return where a path is on this machine; ``None`` when the files are on no disk of it."""
    if not isinstance(contents, FileContentsManager):
        return None
    try:
        return Path(contents._get_os_path(path))  # noqa: SLF001 - what jupyter's own extensions ask
    except HTTPError as error:
        raise InputError(
            f"{path[:200]} is not below the server's folder.", hint="Choose a folder below it."
        ) from error


async def read_text(contents: ContentsManager, path: str) -> bytes:
    """Return a file's bytes as the contents manager has them.

    Args:
        contents: The server's contents manager.
        path: The path as its API names it.

    Raises:
        UnknownReference: When there is no such file.
        InputError: When it cannot be read, or is too large.
    """
    try:
        model = await ensure_async(contents.get(path, content=False))
        if model["type"] == "directory":
            raise InputError(f"{path[:200]} is a folder.", hint="Name a notebook.")
        if (model.get("size") or 0) > LARGEST:
            raise InputError(
                f"{path[:200]} is larger than {LARGEST // 2**20} MiB.",
                hint="Clear the outputs of its largest cells and save it.",
            )
        model = await ensure_async(contents.get(path, content=True, type="file", format="text"))
    except HTTPError as error:
        if error.status_code == 404:  # noqa: PLR2004 - HTTP
            raise UnknownReference(
                f"There is no file {path[:200]}.", hint="Save the notebook first."
            ) from error
        raise InputError(
            f"{path[:200]} cannot be read: {error.log_message or error.reason}.",
            hint="Check that it is a notebook that the file browser opens.",
        ) from error
    content = model["content"]
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else b""
