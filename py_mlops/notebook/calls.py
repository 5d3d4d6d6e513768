"""Which functions the code of a cell calls, in the order in which they run."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

_PYTHON_CELLS = re.compile(r"%%(?:time|timeit|capture|prun)\b.*\n")
_LINE_MAGIC = re.compile(r"^(\s*)(?:[\w, .]+=\s*)?[%!].*$|^(\s*)\S.*\?$", re.MULTILINE)


def calls(source: str) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the calls in a cell, and whether a function's body holds them.

    Args:
        source: Its code as the person typed it; of one that is not Python's there are none.
    """
    yield from _walk(_tree(source))


def _tree(source: str) -> ast.AST:
    """Parse a cell without its magics; one that is not Python's is empty."""
    text = _PYTHON_CELLS.sub("", source.lstrip(), count=1)
    text = _LINE_MAGIC.sub(lambda found: (found[1] or found[2] or "") + "pass", text)
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the person's escapes, which are theirs to see
            tree: ast.AST = compile(textwrap.dedent(text), "<cell>", "exec", flags)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])
    return tree


def _walk(node: ast.AST, *, in_function: bool = False) -> Iterator[tuple[ast.Call, bool]]:
    """Yield calls in the order in which they run, and whether a function's body holds them."""
    inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, in_function=inside)
    if isinstance(node, ast.Call):
        yield node, in_function
