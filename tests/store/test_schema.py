from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_mlops.records import canonical
from py_mlops.store import Move, Row
from py_mlops.store.ledger.schema import leaf_data
from tests.store.samples import TIME, digest


@given(st.text(), st.text(), st.integers(0, 2**53 - 1), st.none() | st.text())
def test_what_is_hashed_of_a_row_is_canonical_json(
    subject: str, author: str, seq: int, previous: str | None
) -> None:
    """Whatever letters are in it, the leaf data are what RFC 8785 writes."""
    move = Move("digits@main", previous, digest(1))
    row = Row(digest(0), "snapshot", subject, author, TIME, seq, move)
    assert leaf_data(row) == canonical(
        {
            "author": author,
            "kind": "snapshot",
            "move": {"head": "digits@main", "previous": previous, "target": digest(1)},
            "record": digest(0),
            "seq": seq,
            "subject": subject,
            "time": TIME,
        }
    )
