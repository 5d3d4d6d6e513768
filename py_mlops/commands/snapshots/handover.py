"""Reads what a kernel handed over, and finds the notebook it belongs to."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from py_mlops.errors import InputError
from py_mlops.notebook.document import Document, find_by_cell_ids, read_notebook
from py_mlops.records.handover import FILE, Handover

_LARGEST = 1 << 30


def read_handover(folder: Path) -> Handover:
    """Read what a kernel handed over, believing nothing that does not decode.

    Args:
        folder: The folder with ``handover.json`` and its payload files.

    Returns:
        The handover; every payload file it names lies in the folder.

    Raises:
        InputError: When there is no handover or it is not a valid one.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise _unusable("it is larger than 1 GiB")
        handover = msgspec.json.decode(path.read_bytes(), type=Handover)
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(str(error)) from error
    for name in _payload(handover):
        if name != Path(name).name or not _is_regular(folder / name):
            raise _unusable(f"it names {name!r}, which is no file of the handover")
    for file in handover.files:
        if file.kept and (folder / file.kept).lstat().st_size != file.size:
            raise _unusable(f"its copy of {file.requested} has another size than what was read")
    return handover


def _unusable(why: str) -> InputError:
    return InputError(
        f"The kernel's handover cannot be used: {why}.",
        hint="Run the snapshot again; if it fails again, restart the kernel.",
    )


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _payload(handover: Handover) -> list[str]:
    names = [file.kept for file in handover.files if file.kept]
    names += [item.file for item in handover.model.artifacts] if handover.model else []
    if handover.holdout:
        names += [handover.holdout.file] if handover.holdout.file else []
        names += [item.file for item in handover.holdout.predictions]
    if handover.randomness.file:
        names.append(handover.randomness.file)
    return names


Notebook = tuple[Path | None, Document | None]
"""A saved notebook's path and content; ``None`` twice when it was never saved."""


def find_notebook(handover: Handover) -> Notebook:
    """Find the saved notebook of a session, also one renamed since the kernel started.

    Args:
        handover: What the kernel knows.

    Returns:
        Its path and content; ``None`` twice when it was never saved.
    """
    named = Path(handover.notebook) if handover.notebook else None
    if named is not None and not named.is_file():
        named = None
    document = read_notebook(named) if named else None
    ids = {cell.cell_id for cell in handover.cells if cell.cell_id}
    if not ids or (document and any(cell.id in ids for cell in document.code_cells)):
        return named, document
    # A new notebook may have the name by now that this one had when its kernel started.
    folders = [Path(handover.notebook).parent] if handover.notebook else []
    for folder in dict.fromkeys([*folders, Path(handover.directory)]):
        if renamed := find_by_cell_ids(folder, ids):
            return renamed, read_notebook(renamed)
    return named, document
