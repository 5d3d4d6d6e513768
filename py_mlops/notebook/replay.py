"""The notebook that runs a history again: the executed cells, in the order in which they ran."""

from __future__ import annotations

import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from py_mlops.records import ExecutedCell, History

METADATA = "mlops"
"""The name our entries have in the metadata of notebook and cells."""

RAISES = "raises-exception"
"""The tag by which nbclient and papermill let a cell fail."""

_INSTALLER = r"(?:conda|mamba|micromamba|uv(?:\s+pip)?|pip3?(?:\.\d+)?|\S*python\S*\s+-m\s+pip)"
_CHANGE = r"(?:\s+-\S+)*\s+(?:install|uninstall|update|upgrade|remove|add|sync)\b"
_MAGIC = re.compile(rf"(\s*)(?:%|!!?)\s*(?:\{{sys\.executable\}}\s+-m\s+pip|{_INSTALLER}){_CHANGE}")
_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|script|!)")
_SHELL_LINE = re.compile(rf"(\s*){_INSTALLER}{_CHANGE}")
_AUTOMAGIC = re.compile(
    r"\s*(?:pip|conda|mamba|micromamba|uv)\s+(?:pip\s+)?(?:un)?install\s[^\n]*\s*"
)
_SAYS = "# not replayed, the environment is rebuilt already: "


def plan(history: History, *, name: str) -> NotebookNode:
    """Return a notebook that executes a history again.

    Repeated cells are repeated. A cell that ended in an error may end in one
    again; one that was interrupted is interrupted after the recorded time.
    Lines that install packages are not replayed: the environment is rebuilt
    as it was at the snapshot.

    Args:
        history: What was executed, in order.
        name: The model's name, kept in the notebook's metadata.

    Returns:
        A notebook without outputs; each cell's metadata carries its recorded
        execution count as ``mlops.count``. Equal histories give equal notebooks.
    """
    cells = [_cell(cell, position) for position, cell in enumerate(history.cells)]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        METADATA: {"name": name},
    }
    notebook: NotebookNode = new_notebook(cells=cells, metadata=metadata)
    return notebook


def without_installs(source: str) -> str:
    """Return a cell's code with every line that installs packages made a no-op.

    Args:
        source: Code as the person typed it, magics included.

    Returns:
        The code; it has as many lines as before.
    """
    if _AUTOMAGIC.fullmatch(source) and "\n" not in source.strip():
        return f"pass  {_SAYS}{source.strip()}"
    shell = _SHELL_CELL.match(source) is not None
    pattern, nothing = (_SHELL_LINE, ":") if shell else (_MAGIC, "pass")
    lines, continued = [], False
    for line in source.split("\n"):
        found = pattern.match(line)
        if found:
            line = f"{found[1]}{nothing}  {_SAYS}{line.strip()}"  # noqa: PLW2901 - the line's new text
        elif continued:
            line = f"# {line.strip()}"  # noqa: PLW2901 - the same
        continued = line.endswith("\\") and (found is not None or continued)
        lines.append(line)
    return "\n".join(lines)


def _cell(cell: ExecutedCell, position: int) -> NotebookNode:
    ours: dict[str, object] = {"count": cell.count}
    metadata: dict[str, object] = {METADATA: ours}
    if cell.error is not None:
        metadata["tags"] = [RAISES]
        if cell.stopped:
            ours["interrupt_after"] = cell.seconds
    source = without_installs(cell.source)
    made: NotebookNode = new_code_cell(source, id=f"cell-{position}", metadata=metadata)
    return made
