"""Which files the text of a program names, for what its libraries read without being seen."""

from __future__ import annotations

import ast
import glob
import itertools
import os
import re
import textwrap
import warnings
from pathlib import PurePath
from typing import Any, Container, Iterable, Iterator

from .observe import observer
from .sightings import as_dict, look_at
from .words import MOST_MATCHES, expand

_LONGEST = 1024
_ANYTHING = "?*"
"""What stands for a value that only the running program knew."""
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")
_LINE_MAGIC = re.compile(r"^(\s*)%(?:time|timeit|prun)\b(?:\s+-\w+(?:\s*\d+)?)*\s*", re.MULTILINE)
_NO_PYTHON = re.compile(r"^(\s*)(?:[%!].*|.*\?)$", re.MULTILINE)
_ASSIGNED = re.compile(r"^(\s*[\w, .\[\]'\"]+=\s*)[%!].*$", re.MULTILINE)
_QUOTED = re.compile(r"""(['"])((?:(?!\1)[^\\\n])+)\1""")
_WRITER = re.compile(r"^sav|(?:^|_|im)(?:to|save|write|dump|export|sink)(?:_|\d|$)")
_READER = re.compile(r"(?:^|_|im)(?:read|load|scan|open|from|glob)")
_FOLDER_READER = re.compile(r"dataset|directory|^(?:read|scan)_")
_OF_THE_MACHINE = ("/proc/", "/sys/")
_PLACEHOLDER = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[a-z]|%\(\w+\)[a-z]|\{[^{}]*\}")


def named_files(
    source: str,
    directory: str,
    seen: Container[str],
    since_ns: int | None = None,
    variables: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the files that a cell's string constants name.

    Args:
        source: The code as the person typed it, magics included.
        directory: What relative names are relative to.
        seen: Paths that are known already and left out.
        since_ns: When the session began. A file that changed later is one that
            the program made, unless the code clearly reads it; by default the
            moment the observer was started.
        variables: The program's own; of those that hold text or a path the
            value of now stands for the name, unless the code assigns another.

    Returns:
        Dicts in the shape of ``records.handover.SeenFile`` with cell 0, for
        existing regular files; wildcards are expanded to at most 1,000 files.
    """
    try:
        began = observer().started_ns if since_ns is None else since_ns
        found: dict[str, dict[str, Any]] = {}
        for text, verb in _strings(source, _texts(variables or {})):
            for path in _paths(text, verb, directory, seen):
                if path in found or path in seen:
                    continue
                if not observer().leaves_out(path) or _takes_in(path, verb):
                    file = _seen(path, text, verb, began)
                    if file is not None:
                        found[path] = file
        return list(found.values())
    except Exception:  # someone's code is of any form; naming no file is the worst to come
        return []


def as_written(path: str, sources: Iterable[str], directory: str) -> str:
    """Return how the program's text names a file whose opening told only the whole path.

    Args:
        path: Absolute and normalised.
        sources: The cells' code.
        directory: The notebook's folder.

    Returns:
        The name relative to the notebook's folder where a cell has it, else the path.
    """
    if not path.startswith(os.path.join(directory, "")):
        return path
    relative = os.path.relpath(path, directory)
    return relative if any(relative in source for source in sources) else path


def _takes_in(path: str, verb: str) -> bool:
    """Say whether the code reads a file for its content, although it is no work of the user's.

    Whoever records it leaves it out all the same, and can say so. What tells of the
    machine is not worth a word.
    """
    return _READER.search(verb) is not None and not path.startswith(_OF_THE_MACHINE)


def _paths(text: str, verb: str, directory: str, seen: Container[str]) -> list[str]:
    if not text.strip() or len(text) > _LONGEST or "\0" in text or "://" in text:
        return []
    if glob.has_magic(text) and not re.search(r"[./]", text):
        return []
    paths = expand(text, directory)
    if _ANYTHING in text and any(path in seen for path in paths):
        return []  # its reader can be seen, and the rest was not read
    if _FOLDER_READER.search(verb) and not _is_above(paths[0], directory):
        return _inside(paths[0]) or paths
    return paths


def _is_above(folder: str, directory: str) -> bool:
    return (directory + os.sep).startswith(os.path.join(folder, ""))


def _inside(folder: str) -> list[str]:
    files = (os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)
    return sorted(itertools.islice(files, MOST_MATCHES))


def _seen(path: str, text: str, verb: str, began: int) -> dict[str, Any] | None:
    look = look_at(path)
    if look is None or not os.path.isfile(path):
        return None
    made = bool(_WRITER.search(verb)) or (look[1] >= began > 0 and not _READER.search(verb))
    return as_dict(
        path,
        text,
        "write" if made else "read",
        look,
        0,
        written=made,
        existed=not made,
        observed="named-in-code",
    )


def _texts(variables: dict[str, Any]) -> dict[str, str]:
    """Return the variables that hold text or a path; those of IPython's history begin with _."""
    return {
        name: os.fsdecode(value)
        for name, value in list(variables.items())
        if name[:1] != "_" and isinstance(value, (str, PurePath)) and len(str(value)) <= _LONGEST
    }


def _strings(source: str, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each path-like constant with the name of the function it is handed to."""
    text = source.lstrip("\n")
    if text.lstrip().startswith("%%"):
        first, _, text = text.lstrip().partition("\n")
        if first.split()[0] not in _PYTHON_CELLS:
            return
    text = _LINE_MAGIC.sub(r"\1", text)
    text = _ASSIGNED.sub(r"\1None", text)
    text = _NO_PYTHON.sub(r"\1pass", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the person's escapes, which are theirs to see
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            tree = compile(textwrap.dedent(text), "<cell>", "exec", flags)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for match in _QUOTED.finditer(source):
            yield match.group(2), ""
        return
    yield from _Constants(names).visit_all(tree)


class _Constants:
    """Walks code, joining the constant parts of paths and following simple names."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_all(self, tree: Any) -> Iterator[tuple[str, str]]:
        for node in ast.walk(tree):  # breadth first: the statements of a cell come in order
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, value = node.targets[0], self._literal(node.value)
                if isinstance(target, ast.Name) and value is not None:
                    self._names[target.id] = value
        yield from self._visit(tree, "")

    def _visit(self, node: Any, verb: str) -> Iterator[tuple[str, str]]:
        value = None if isinstance(node, ast.Name) and not verb else self._literal(node)
        if value is not None:
            yield value, verb
            yield from ((match.group(2), verb) for match in _QUOTED.finditer(value))  # as in SQL
            return
        pattern = self._pattern(node) if verb == "file" or _READER.search(verb) else None
        if pattern is not None:
            yield pattern, verb
            return
        if isinstance(node, ast.Call):
            called = node.func
            verb = getattr(called, "attr", getattr(called, "id", "")).lower() or verb
        for child in ast.iter_child_nodes(node):
            yield from self._visit(child, verb)

    def _pattern(self, node: Any) -> str | None:
        """Return a wildcard for ``f"{a}.csv"``, ``"%s.csv" % a`` or ``"{}.csv".format(a)``."""
        text = None
        if isinstance(node, ast.JoinedStr):
            inner = [getattr(part, "value", None) for part in node.values]
            known = [part if isinstance(part, str) else self._literal(part) for part in inner]
            return "".join(_ANYTHING if part is None else glob.escape(part) for part in known)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            text = self._literal(node.left)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format":
            text = self._literal(node.func.value)  # type: ignore[attr-defined]  # it has attr
        return None if text is None else _PLACEHOLDER.sub(_ANYTHING, text)

    def _literal(self, node: Any) -> str | None:
        """Return the text of a constant path: ``"a"``, ``Path("a") / "b"``, ``join("a", "b")``."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            left, right = self._literal(node.left), self._literal(node.right)
            if left is None or right is None:
                return None
            return os.path.join(left, right) if isinstance(node.op, ast.Div) else left + right
        if isinstance(node, ast.Call) and node.args and not node.keywords:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("Path", "PurePath", "join", "joinpath", "str", "fspath"):
                parts = [self._literal(part) for part in node.args]
                if called == "joinpath":
                    parts.insert(0, self._literal(node.func.value))  # type: ignore[attr-defined]  # an attribute by its name
                texts = [part for part in parts if part is not None]
                return os.path.join(*texts) if len(texts) == len(parts) else None
        return None
