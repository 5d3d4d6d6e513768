"""Names files for a stranger: below the notebook's folder, or by content; never where they lay."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from py_mlops.records import Blob, DataFile, Snapshot

_ELSEWHERE = "elsewhere"
_SHOWN = 12
_ENDS = r"(?![\w-])"  # /srv/ada is no part of /srv/ada2
_FILE_SCHEME = re.compile(r"^(?:file|sqlite|duckdb)\b", re.IGNORECASE)


class Paths:
    """How the paths of one snapshot are told.

    A file below the folder that the program ran in is named by its path from
    there. Any other is ``elsewhere/DIGEST/NAME`` with the first digits of its
    content's sha256, or ``elsewhere/NUMBER/NAME`` when nobody knows its content.
    """

    def __init__(self, snapshot: Snapshot, files: Iterable[DataFile]) -> None:
        """Name every path that the record, or one of its trees, holds."""
        self._folder = PurePosixPath(snapshot.program.directory)
        self._home = snapshot.surroundings.variables.get("HOME", "").rstrip("/")
        self._names: dict[str, str] = {}
        for file in files:
            self._add(file.path, file.blobs)
        for module in snapshot.program.modules:
            self._add(module.path, [module.blob])
        program = snapshot.program
        if program.notebook:
            self._add(program.notebook, [program.saved] if program.saved else [])
        if snapshot.model and snapshot.model.loaded_from:
            self._add(snapshot.model.loaded_from, [])
        self._lengths = sorted({len(path) for path in self._names}, reverse=True)

    def _add(self, path: str, blobs: list[Blob]) -> None:
        if path not in self._names:
            key = blobs[0].digest[7 : 7 + _SHOWN] if blobs else str(len(self._names) + 1)
            self._names[path] = self._named(path, key)

    def _named(self, path: str, key: str) -> str:
        whole = PurePosixPath(path)
        folder = self._folder
        if ".." not in whole.parts and folder != PurePosixPath(folder.root):
            try:
                inside = whole.relative_to(folder)
            except ValueError:
                pass
            else:
                if inside.parts:
                    return str(inside)
        name = "file" if whole.name in {"", ".."} else whole.name
        return f"{_ELSEWHERE}/{key}/{name}"

    def name(self, path: str) -> str:
        """Return the name of one of the record's paths."""
        return self._names.get(path) or self._named(path, "0")

    def told(self, sentence: str) -> str:
        """Return a sentence with the record's paths by their names, and ``~`` for the home folder.

        Args:
            sentence: Words of the record, such as a hole's text.

        Returns:
            The same words. A path that is nowhere else in the record stays, but
            for the folder that the program ran in and its person's home.
        """
        if "/" not in sentence:
            return sentence
        told, place = [], 0
        while (start := sentence.find("/", place)) >= 0:
            told.append(sentence[place:start])
            found = next(
                (
                    sentence[start : start + length]
                    for length in self._lengths
                    if sentence[start : start + length] in self._names
                ),
                None,
            )
            told.append(self._names[found] if found else "/")
            place = start + len(found or "/")
        told.append(sentence[place:])
        return self._without_folders("".join(told))

    def _without_folders(self, sentence: str) -> str:
        folder = str(self._folder)
        if folder != self._folder.root:
            sentence = sentence.replace(folder + "/", "")
            sentence = re.sub(re.escape(folder) + _ENDS, ".", sentence)
        return re.sub(re.escape(self._home) + _ENDS, "~", sentence) if self._home else sentence

    def source(self, source: str) -> str:
        """Return who answered, without the folders of a database that is a file."""
        if not _FILE_SCHEME.match(source):
            return source
        try:
            parts = urlsplit(source)
        except ValueError:
            return source.partition(":")[0]
        path = "/" + parts.path.lstrip("/")
        name = self._names.get(path) or PurePosixPath(path).name
        return f"{parts.scheme}:///{name}" if name else f"{parts.scheme}://"
