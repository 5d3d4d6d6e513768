"""How a saved notebook differs from what was executed, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from py_mlops.notebook.document import CodeCell, Document
from py_mlops.records import Difference, ExecutedCell

_OURS = re.compile(r"\s*(#.*|%mlops\b.*|%(re)?load_ext\s+py_mlops\b.*)?")
_ASKS = re.compile(r"^\s*%mlops\b", re.MULTILINE)
_INJECTED = "# Parameters\n"  # how papermill begins the cell it adds
_SHOWN = 12

Pairs = list[tuple[ExecutedCell, CodeCell | None]]


def only_ours(source: str) -> bool:
    """Say whether a cell holds nothing but our own magics and comments."""
    return all(_OURS.fullmatch(line) for line in source.splitlines())


def asks(source: str) -> bool:
    """Say whether a cell calls ``%mlops``."""
    return _ASKS.search(source) is not None


def differences(document: Document | None, cells: Sequence[ExecutedCell]) -> list[Difference]:
    """Say in which ways a saved notebook is not what was executed.

    Executions are matched to saved cells by cell id, else by their exact code
    (headless runs send no ids). Cells that only hold our own magics are left
    out, and saved cells below the one that asked for the snapshot were not due
    yet.

    Args:
        document: The saved notebook; ``None`` when there is none.
        cells: What was executed, in order, the asking cell last.

    Returns:
        The differences, the gravest kind first; empty when the notebook runs
        from top to bottom as it was executed.
    """
    executed = [cell for cell in cells if not only_ours(cell.source)]
    unwatched = [cell.count for cell in executed if not cell.watched]
    found = [] if document is None else list(_compared(document, cells, executed))
    if document is None:
        text = "No saved notebook was found; what was executed is recorded all the same."
        found.append(Difference(kind="unsaved", cells=[], text=text))
    if unwatched:
        text = f"{_cells(unwatched)} ran before the extension was loaded; what they read is unknown"
        found.append(Difference(kind="unwatched", cells=unwatched, text=text + "."))
    return found


def _compared(
    document: Document, cells: Sequence[ExecutedCell], executed: Sequence[ExecutedCell]
) -> Iterator[Difference]:
    pairs = _matched(document, cells)
    ours = {cell.count for cell in cells} - {cell.count for cell in executed}
    mine = [(cell, saved) for cell, saved in pairs if cell.count not in ours]
    if executed and all(saved is None for _, saved in mine):
        text = "None of the executed cells is in the saved notebook: it was saved before they were."
        yield Difference(kind="unsaved", cells=[cell.count for cell in executed], text=text)
        return
    last = {saved.position: cell for cell, saved in mine if saved}
    positions = {saved.position: saved for _, saved in mine if saved}
    edited = [c.count for p, c in last.items() if not _same(c.source, positions[p].source)]
    if edited:
        yield _difference("edited", edited, "changed in the notebook after {it} ran")
    deleted = [c.count for c, saved in mine if saved is None and not _injected(c)]
    if deleted:
        yield _difference("deleted", deleted, "no longer in the saved notebook")
    early = _out_of_order(last)
    if early:
        text = f"{_cells(early)} ran after cells that stand further down."
        yield Difference(kind="out-of-order", cells=early, text=text)
    yield from _repeated(mine)
    yield from _not_run(document, pairs)


def _matched(document: Document, cells: Sequence[ExecutedCell]) -> Pairs:
    """Pair each execution with its saved cell; of equal cells the next one not yet paired."""
    by_id = {cell.id: cell for cell in document.code_cells if cell.id}
    by_source: dict[str, list[CodeCell]] = {}
    for cell in document.code_cells:
        by_source.setdefault(cell.source.rstrip(), []).append(cell)
    taken: set[int] = set()
    pairs: Pairs = []
    for executed in cells:
        saved = by_id.get(executed.cell_id) if executed.cell_id else None
        if saved is None:
            equal = by_source.get(executed.source.rstrip(), [])
            fresh = [cell for cell in equal if cell.position not in taken]
            saved = fresh[0] if fresh else equal[-1] if equal else None
        if saved is not None:
            taken.add(saved.position)
        pairs.append((executed, saved))
    return pairs


def _out_of_order(last: dict[int, ExecutedCell]) -> list[int]:
    """Return the cells whose last execution came after one of a cell further down."""
    found, lowest = [], 0
    for position, cell in sorted(last.items(), key=lambda item: item[1].count):
        if position < lowest:
            found.append(cell.count)
        lowest = max(lowest, position)
    return found


def _repeated(pairs: Pairs) -> Iterator[Difference]:
    runs: dict[int, list[ExecutedCell]] = {}
    for cell, saved in pairs:
        if saved is not None:
            runs.setdefault(saved.position, []).append(cell)
    again = [cells for cells in runs.values() if len(cells) > 1]
    if again:
        changed = any(len({cell.source.rstrip() for cell in cells}) > 1 for cells in again)
        shown = "; ".join(_cells([cell.count for cell in cells]) for cells in again[:_SHOWN])
        text = f"{len(again)} {'cells' if len(again) > 1 else 'cell'} ran more than once"
        text += f"{', with other code' if changed else ''}: {shown}."
        counts = sorted(cell.count for cells in again for cell in cells)
        yield Difference(kind="repeated", cells=counts, text=text)


def _not_run(document: Document, pairs: Pairs) -> Iterator[Difference]:
    ran = {saved.position for _, saved in pairs if saved}
    asking, place = pairs[-1] if pairs else (None, None)
    end = place.position if asking and place and asks(asking.source) else len(document.code_cells)
    missing = [
        cell.position
        for cell in document.code_cells
        if cell.position <= end and cell.position not in ran and not only_ours(cell.source)
    ]
    if missing:
        names = ", ".join(map(str, missing[:_SHOWN])) + (" …" if len(missing) > _SHOWN else "")
        many = len(missing) > 1
        text = f"Code {'cells' if many else 'cell'} {names} of the notebook never ran."
        yield Difference(kind="not-run", cells=missing, text=text)


def _injected(cell: ExecutedCell) -> bool:
    return cell.cell_id is None and cell.source.startswith(_INJECTED)


def _same(executed: str, saved: str) -> bool:
    return executed.rstrip() == saved.rstrip()


def _difference(kind: str, counts: list[int], what: str) -> Difference:
    many = len(counts) > 1
    verb = (
        ("were " if many else "was ") if what.startswith("changed") else "are " if many else "is "
    )
    text = f"{_cells(counts)} {verb}{what.format(it='they' if many else 'it')}."
    return Difference(kind=kind, cells=counts, text=text)  # type: ignore[arg-type]  # callers pass a kind


def _cells(counts: Sequence[int]) -> str:
    """Write ``[3]`` or ``[3], [5] and [9]``, at most a dozen."""
    shown = [f"[{count}]" for count in counts[:_SHOWN]]
    if len(counts) > _SHOWN:
        return f"{', '.join(shown)} and {len(counts) - _SHOWN} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
