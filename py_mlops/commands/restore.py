"""Restore: put a snapshot's notebook, code and data into a folder."""

from __future__ import annotations

from pathlib import Path

from py_mlops.data.place import place, relative_layout
from py_mlops.errors import InputError
from py_mlops.notebook.replay import plan
from py_mlops.notebook.runnable import to_ipynb
from py_mlops.progress import Report, silent
from py_mlops.records import History, Snapshot, decode_as
from py_mlops.workspace import Workspace

EXECUTED = "as-executed.ipynb"


def restore(
    workspace: Workspace,
    snapshot_id: str,
    folder: Path,
    *,
    outputs: bool = False,
    report: Report = silent,
) -> list[str]:
    """Write a snapshot's files below a folder, never outside it.

    Files of the notebook's own folder keep their relative paths; others go to
    ``elsewhere/<their absolute path>``. Beside the notebook as it was saved
    lies ``as-executed.ipynb``, the cells in the order in which they ran.

    Args:
        workspace: Where the bytes are.
        snapshot_id: The snapshot's whole id.
        folder: Where to; it is made when it is not there.
        outputs: Also restore the files that the run wrote.
        report: Told about progress.

    Returns:
        The relative paths written, sorted.

    Raises:
        InputError: When a file is there already with other content.
        Hostile: When the record's paths try to leave the folder.
        Corrupt, Missing: When stored bytes are damaged or gone.
    """
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    program = snapshot.program
    items = {
        relative_layout(file.path, program.directory): [blob.digest for blob in file.blobs]
        for file in snapshot.data
        if file.blobs and (outputs or file.role == "input")
    }
    for module in program.modules:
        items[relative_layout(module.path, program.directory)] = [module.blob.digest]
    if program.saved and program.notebook:
        items[relative_layout(program.notebook, program.directory)] = [program.saved.digest]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made: {error.strerror}.", hint="Choose another folder."
        ) from error
    place(list(items.items()), workspace.store.blobs, folder, report)
    history = decode_as(workspace.store.blobs.read(program.history.digest), History)
    executed = to_ipynb(plan(history, name=snapshot.request.name))
    place_new(folder / EXECUTED, executed)
    return sorted([*items, EXECUTED])


def place_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet with other content."""
    if path.exists() and path.read_bytes() != data:
        raise InputError(
            f"{path} is there already with other content.",
            hint="Restore into an empty folder, or move that file away.",
        )
    path.write_bytes(data)
