"""The diff of two notebooks' cells: true to both, bounded in time, small when little changed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from nbdime import patch
from nbdime.diff_utils import to_diffentry_dicts

from py_mlops.notebook.celldiff import (
    Cells,
    Entry,
    changed,
    inside_cells,
    only_changed,
    whole_cells,
)


def cell(source: str, identity: str | None = None, output: str = "") -> dict[str, Any]:
    """Return a code cell."""
    shown = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    made: dict[str, Any] = {
        "cell_type": "code", "metadata": {}, "source": source, "execution_count": None,
        "outputs": shown,
    }  # fmt: skip
    return made | ({"id": identity} if identity else {})


def patched(cells: Cells, diff: list[Entry]) -> Any:
    """Apply a diff, as nbdime's own front end does."""
    return patch(cells, to_diffentry_dicts(json.loads(json.dumps(diff))))


CELLS = st.lists(
    st.builds(
        cell,
        st.sampled_from(["a = 1\n", "b = 2\nc = 3\n", "", "print(a)\nprint(b)\n", "ü\r\n"]),
        st.sampled_from([None, "one", "two", "three"]),
        st.sampled_from(["", "1\n"]),
    ),
    max_size=8,
)


@given(CELLS, CELLS)
def test_a_diff_leads_from_one_to_the_other(a: Cells, b: Cells) -> None:
    """Nbdime's own patch makes the newer notebook of the older one, whichever way it was found."""
    for diff in (whole_cells(a, b), inside_cells(a, b)[0]):
        assert patched(a, diff) == b
        assert (changed(diff) == 0) == (a == b)


@given(CELLS, CELLS)
def test_only_the_changed_cells(a: Cells, b: Cells) -> None:
    """Without the unchanged cells the diff tells the same of the others."""
    diff, _ = inside_cells(a, b)
    base, fewer, kept = only_changed(a, diff)
    assert [a[place] for place in kept] == base
    after = patched(base, fewer)
    untouched = len(a) - len(base)
    assert len(after) == len(b) - untouched
    assert patched(base, json.loads(json.dumps(fewer))) == after


def test_what_changed_in_a_cell_is_told_inside_it() -> None:
    """A changed line of one cell among many is one patch of that cell."""
    a = [cell(f"x{n} = {n}\nprint(x{n})\n", f"c{n}") for n in range(300)]
    b = [dict(one) for one in a]
    b[150]["source"] = "x150 = 0\nprint(x150)\n"
    diff, complete = inside_cells(a, b)
    assert complete
    assert [(entry["op"], entry["key"]) for entry in diff] == [("patch", 150)]
    base, fewer, kept = only_changed(a, diff)
    assert (len(base), kept, fewer[0]["key"]) == (1, [150], 0)


def test_all_different_cells_are_bounded() -> None:
    """Where nothing is alike, whole cells are told, and that nbdime did not look inside."""
    a = [cell(f"before {n} {n * n}") for n in range(400)]
    b = [cell(f"{n} afterwards {n * 7}") for n in range(400)]
    diff, complete = inside_cells(a, b)
    assert not complete
    assert changed(diff) == 400
    assert patched(a, diff) == b


def test_cells_of_one_id_are_compared_with_each_other() -> None:
    """Ids pair cells even where every one of them changed."""
    a = [cell(f"x = {n}\ny = 1\n", f"c{n}") for n in range(40)]
    b = [cell(f"x = {n}\ny = 2\n", f"c{n}") for n in range(40)]
    diff, complete = inside_cells(a, b)
    assert complete
    assert [(entry["op"], entry["key"]) for entry in diff] == [("patch", n) for n in range(40)]


def test_out_of_time() -> None:
    """When the time is used up the rest is told by whole cells, and the diff stays true."""
    old = [cell(f"x = {n}\n", f"c{n}") for n in range(3)]
    new = [cell(f"x = -{n}\n", f"c{n}") for n in range(3)]
    diff, complete = inside_cells(old, new, seconds=-1)
    assert not complete
    assert patched(old, diff) == new
