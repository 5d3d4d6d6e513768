"""Tables of comma-separated values: rows, columns, types and how numbers are spread."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_mlops.data.tables import BINS, histogram, read_table

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30)


def test_a_table() -> None:
    """Types are those that every value has; empty cells and quoted commas are no obstacle."""
    text = 'id,size,"name, long",none\n1,1.5,"a, b",\n2,,ü,\n-3,2e3,c,\n'
    table = read_table("flowers.CSV", text.encode(), more=False)
    assert table is not None
    assert table.rows == 3
    assert [(one.name, one.type) for one in table.columns] == [
        ("id", "int"), ("size", "float"), ("name, long", "text"), ("none", "empty"),
    ]  # fmt: skip
    assert table.columns[1].numbers == [1.5, 2000.0]


def test_only_the_beginning() -> None:
    """Half a line at the end is no row, and the table says that there is more."""
    table = read_table("a.tsv", b"x\ty\n1\t2\n3\t", more=True)
    assert table is not None
    assert (table.rows, table.cut) == (1, True)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Hostile bytes are a table or none, and never an error."""
    assert read_table("a.parquet", data, more=False) is None
    read_table("a.csv", data, more=False)


@given(NUMBERS, NUMBERS)
def test_every_number_is_in_a_bin(a: list[float], b: list[float]) -> None:
    """Both sides are counted over the same bins, or neither is."""
    edges, old, new = histogram(a, b)
    if edges:
        assert (len(edges), sum(old), sum(new)) == (BINS + 1, len(a), len(b))
        assert (edges[0], edges[-1]) == (min([*a, *b]), max([*a, *b]))
    else:
        assert old == new == []
