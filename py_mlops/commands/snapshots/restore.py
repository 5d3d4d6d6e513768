"""Restore: put a snapshot's notebook, code and data into a folder."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from py_mlops.data.contents import Contents
from py_mlops.data.place import check_space, make_executable, place, place_bytes, relative_layout
from py_mlops.notebook.replay import plan
from py_mlops.notebook.runnable import to_ipynb
from py_mlops.progress import Report, silent
from py_mlops.records import CodeFile, DataFile, History, Snapshot, decode_as
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
    lies ``as-executed.ipynb``, the cells in the order in which they ran (or
    ``as-executed-2.ipynb`` when the snapshot itself has a file of that name).

    Args:
        workspace: Where the bytes are.
        snapshot_id: The snapshot's whole id.
        folder: Where to; it is made when it is not there.
        outputs: Also restore the files that the run wrote.
        report: Told about progress.

    Returns:
        The relative paths written, sorted.

    Raises:
        InputError: When a file is there already with other content, or the
            folder cannot be made.
        Hostile: When the record's paths try to leave the folder.
        Corrupt, Missing: When stored bytes are damaged or gone.
        StoreUnavailable: When the folder cannot be written.
    """
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    program = snapshot.program
    with Contents(workspace.store.blobs, snapshot) as contents:
        files = {
            file.path: [blob.digest for blob in file.blobs]
            for file in contents.files
            if file.blobs and (outputs or file.role == "input")
        }
        files.update((module.path, [module.blob.digest]) for module in program.modules)
        if program.saved and program.notebook:
            files[program.notebook] = [program.saved.digest]
        items = [(relative_layout(path, program.directory), files[path]) for path in files]
        check_space(
            sum(blob.size for file in contents.files if file.path in files for blob in file.blobs),
            folder,
        )
        place(items, contents, folder, report, durable=True)
    recorded: list[DataFile | CodeFile] = [*contents.files, *program.modules]
    for file in recorded:
        if file.executable and file.path in files:
            make_executable(relative_layout(file.path, program.directory), folder)
    history = decode_as(workspace.store.blobs.read(program.history.digest), History)
    executed = to_ipynb(plan(history, name=snapshot.request.name))
    paths = [path for path, _ in items]
    name = _free_name(paths)
    place_bytes(name, executed, folder)
    return sorted([*paths, name])


def _free_name(taken: Sequence[str]) -> str:
    """Return the executed notebook's name, another one when the snapshot has such a file."""
    first = {path.partition("/")[0] for path in taken}
    stem, suffix = EXECUTED.rsplit(".", 1)
    names = (f"{stem}-{number}.{suffix}" for number in itertools.count(2))
    return next(name for name in itertools.chain([EXECUTED], names) if name not in first)
