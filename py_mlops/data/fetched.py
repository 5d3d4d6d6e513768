"""What a run's child processes downloaded, and the programs that hand it to a rerun again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import py_mlops.guest
from py_mlops.data.contents import Contents
from py_mlops.data.place import write_failures
from py_mlops.records import DataFile, ExecutedCell, External

PROGRAMS = frozenset({"wget", "curl", "aria2c"})
"""Programs that a rerun without a network finds replaced by one that gives what was recorded."""

_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})
_PROGRAM = "fetch.py"  # of the guest


class Fetched(NamedTuple):
    """A file that a program downloaded.

    Attributes:
        program: Its name.
        file: What it wrote.
        shown: Whether it wrote to its output, which a shell put into the file.
    """

    program: str
    file: DataFile
    shown: bool


def fetcher(process: str, path: str, source: str) -> tuple[str, bool] | None:
    """Say which program downloaded a file, if one did.

    Args:
        process: The child process that wrote it.
        path: The file.
        source: The code of the cell that started it.

    Returns:
        The program, and whether a shell took the file from its output.
    """
    if process in PROGRAMS:
        return process, False
    if process not in _SHELLS:
        return None
    name = re.escape(Path(path).name)
    into = re.compile(rf"\b(wget|curl)\b[^\n|;]*>\s*['\"]?(?:[^\s'\"]*/)?{name}\b")
    found = into.search(source)
    return (found[1], True) if found else None


def fetched(
    files: Iterable[DataFile], external: Iterable[External], cells: Iterable[ExecutedCell]
) -> list[Fetched]:
    """Return the files that child processes downloaded in cells where one reached outside.

    Args:
        files: A snapshot's.
        external: Whom it reached outside.
        cells: Its program.
    """
    reached = {peer.cell for peer in external if peer.by == "child"}
    sources = {cell.count: cell.source for cell in cells if cell.count in reached}
    found = []
    for file in files:
        if file.role == "output" and file.blobs and file.cell in sources:
            told = fetcher(file.process, file.path, sources[file.cell])
            if told:
                found.append(Fetched(told[0], file, told[1]))
    return found


def lay_out(
    found: Collection[Fetched],
    contents: Contents,
    folder: Path,
    python: str,
    place: Callable[[str], str],
) -> Path:
    """Make stand-ins for the programs that downloaded, and what they give.

    Args:
        found: What was downloaded.
        contents: Where its bytes are.
        folder: A new folder.
        python: The interpreter that runs them.
        place: Tells where a recorded path lies in the rerun.

    Returns:
        The folder that must come first in the rerun's ``PATH``.

    Raises:
        Corrupt, Missing: When stored bytes are damaged or gone.
    """
    programs = folder / "bin"
    with write_failures(folder):
        programs.mkdir(parents=True)
        entries = []
        for number, (program, file, shown) in enumerate(found):
            with (folder / str(number)).open("wb") as whole:
                for blob in file.blobs:
                    with contents.open(blob.digest) as part:
                        while piece := part.read(1 << 20):
                            whole.write(piece)
            entry = {"program": program, "path": place(file.path), "file": str(number)}
            entries.append({**entry, "shown": shown})
        (folder / "index.json").write_text(json.dumps(entries))
        guest = Path(next(iter(py_mlops.guest.__path__)))
        (folder / _PROGRAM).write_bytes((guest / _PROGRAM).read_bytes())
        for program in {one.program for one in found}:
            words = shlex.join([python, "-I", "-S", str(folder / _PROGRAM), program])
            script = programs / program
            script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            script.chmod(0o755)
    return programs
