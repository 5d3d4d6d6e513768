"""Sees which environment variables the user's own code reads: their names, never their values."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Iterable
from urllib.parse import urlsplit

from . import places

_OURS = frozenset([__name__.partition(".")[0], "py_mlops"])
_ON_THE_WAY = ("os", "_collections_abc", "collections.abc", "posixpath")
_MOST = 1000
_DEEPEST = 8


class Variables:
    """Names that were looked up in ``os.environ`` by a cell or a loose module.

    ``os.environ`` encodes each name before it looks it up, through a function
    that is its own attribute. That function is watched, so that the type, the
    errors and their tracebacks stay what they are. What C code asks the system
    for is unseen.
    """

    def __init__(self) -> None:
        """Begin with none; `start` watches."""
        self._names: dict[str, None] = {}
        self._given: dict[str, str] = {}  # in memory only; what the program sets it sets again
        self._installed: tuple[str, ...] = ()
        self._started = False

    def start(self) -> None:
        """Begin to watch."""
        if self._started:
            return
        self._started = True
        self._given = dict(os.environ)
        folders = places.installed(places.prefixes())
        self._installed = tuple(os.path.join(path, "") for path in folders)
        environ: Any = os.environ
        environ.encodekey = self._watching(environ.encodekey)

    def seen(self, answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the shape of ``records.variables.Variable``.

        Args:
            answers: What the tape recorded; only what stands there is told of a value.
        """
        places = [(answer["kind"], answer["source"], answer["request"]) for answer in answers]
        return [
            {
                "name": name,
                "was_set": name in self._given,
                "known": _known(name, self._given.get(name, ""), places),
            }
            for name in self.names()
        ]

    def names(self) -> list[str]:
        """Return the names, sorted; of those that a program asked for but nobody set, too."""
        return sorted(self._names)

    def _watching(self, encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def encodekey(key: Any) -> Any:
            encoded = encode(key)
            try:
                if key not in self._names and self._is_users(sys._getframe(1)):  # noqa: SLF001 - the only way to know who asks
                    self._names[key.encode("utf-8", "replace").decode()] = None
            except Exception:  # noqa: S110 - a failure of ours is never the user's
                pass
            return encoded

        return encodekey

    def _is_users(self, frame: Any) -> bool:
        if frame.f_code.co_name != "__getitem__" or len(self._names) >= _MOST:
            return False
        for _ in range(_DEEPEST):
            if frame is None:
                return False
            if frame.f_globals.get("__name__") not in _ON_THE_WAY:
                break
            frame = frame.f_back
        module, file = frame.f_globals.get("__name__") or "", frame.f_code.co_filename
        if module == "__main__":
            return True
        loose = os.path.isabs(file) and not file.startswith(self._installed)
        return loose and module.partition(".")[0] not in _OURS and os.path.isfile(file)


def _known(name: str, value: str, places: Iterable[tuple[str, str, str]]) -> str:
    """Return what of a value the recorded answers tell anyway, empty when nothing.

    Of a password they tell nothing, though it may be the name of the database, too.
    """
    from .patches.http_filter import is_secret
    from .patches.sql_dbapi_place import source_of, without_credentials

    if is_secret(name) or "PASS" in name.upper():
        return ""
    plain, wanted = _without_credentials(value), _address(value)
    words = without_credentials(value)
    for kind, source, request in places:
        if words and source == source_of("pyodbc", (words,), {}):
            return words
        if value and value in _parts(source):
            return value
        asked = request.partition(" ")[2] if kind == "http" else ""
        if plain and (asked.startswith(plain) or (kind == "sql" and wanted == _address(source))):
            return plain
    return ""


def _without_credentials(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme and host else ""


def _address(url: str) -> tuple[str, str, int | None, str] | None:
    """Return kind of database, host, port and name; ``None`` for what is no address."""
    try:
        parts = urlsplit(url)
        kind = parts.scheme.partition("+")[0].replace("postgres", "postgresql", 1)
        kind = kind.replace("postgresqlql", "postgresql")
        port = parts.port or {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}.get(kind)
    except ValueError:
        return None
    return (kind, parts.hostname or "", port, parts.path) if kind else None


def _parts(source: str) -> set[str]:
    address = _address(source)
    if address is None:
        return set()
    _, host, port, path = address
    return {part for part in (host, str(port), path.strip("/")) if part}


_VARIABLES = Variables()


def variables() -> Variables:
    """Return the process's only one."""
    return _VARIABLES
