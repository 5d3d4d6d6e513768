"""Export: tell of a snapshot in another standard's words."""

from __future__ import annotations

from pathlib import Path

from py_mlops.commands.history import newest_verdict
from py_mlops.data.contents import Contents
from py_mlops.data.place import place_bytes
from py_mlops.errors import InputError
from py_mlops.exports import STANDARDS, Material
from py_mlops.records import History, Snapshot, decode_as, record_id
from py_mlops.workspace import Workspace


def export(
    workspace: Workspace,
    snapshot_id: str,
    standard: str,
    *,
    email: bool = False,
    licence: str = "",
    judged: bool = True,
) -> bytes:
    """Tell of a snapshot, and of the newest verdict on it, in a standard's words.

    The same records give the same bytes.

    Args:
        workspace: Where the snapshot is.
        snapshot_id: Its whole id.
        standard: A key of `STANDARDS`.
        email: Whether people's addresses are told too.
        licence: Under which licence the model may be used; no record knows it.
        judged: Whether the newest verdict is told too.

    Returns:
        The bytes of the standard's file.

    Raises:
        InputError: When there is no such standard, or the snapshot has nothing
            that it speaks about, such as a model.
        Corrupt, Missing: When stored bytes are damaged or gone.
    """
    if standard not in STANDARDS:
        raise InputError(
            f"There is no export to {standard[:80]!r}.", hint=f"There are {', '.join(STANDARDS)}."
        )
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    verdict = newest_verdict(workspace, snapshot_id) if judged else None
    with Contents(workspace.store.blobs, snapshot) as contents:
        files = contents.files
    material = Material(
        snapshot_id=snapshot_id,
        snapshot=snapshot,
        files=files,
        history=decode_as(workspace.store.blobs.read(snapshot.program.history.digest), History),
        verdict_id=record_id(verdict) if verdict else "",
        verdict=verdict,
        email=email,
        licence=licence,
    )
    return STANDARDS[standard].export(material)


def write(data: bytes, standard: str, target: Path) -> Path:
    """Write an export to a file, durably and whole, or not at all.

    Args:
        data: What `export` returned.
        standard: The standard that it is in.
        target: The file; for a folder that is there, the file in it gets the
            name by which the standard's readers look for it.

    Returns:
        The file.

    Raises:
        InputError: When there is another file of that name, or no such folder.
        StoreUnavailable: When it cannot be written.
    """
    file = target / STANDARDS[standard].file if target.is_dir() else target
    if not file.parent.is_dir():
        raise InputError(
            f"There is no folder {file.parent}.", hint="Make it first, or choose another one."
        )
    place_bytes(file.name, data, file.parent)
    return file
