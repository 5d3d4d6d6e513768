from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.errors import UnknownReference
from py_mlops.store import Entry, Ledger, Move
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.reference import resolve
from tests.store.samples import TIME, digest, entry

SNAPSHOT = ("snapshot",)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger with two heads and ten rows."""
    opened = SqlLedger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    opened.append([entry(1)], Move("digits@main", None, digest(1)))
    opened.append([entry(2)], Move("digits@trial", None, digest(2)))
    opened.append([entry(3, kind="reproduction")])
    opened.append(
        [Entry(f"sha256:abcdef{n:058x}", "snapshot", f"m{n}", "Ann", TIME) for n in range(7)]
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("digits", 1),
        ("digits@main", 1),
        ("digits@trial", 2),
        (digest(2), 2),
        (digest(2)[7:], 2),
        (digest(2)[7:19], 2),
        (digest(2)[:11], 2),
    ],
)
def test_a_record_goes_by_name_branch_or_id(ledger: Ledger, reference: str, number: int) -> None:
    """A model's name means its main branch; an id may be whole or its beginning."""
    assert resolve(ledger, reference, SNAPSHOT) == digest(number)


def test_a_name_comes_before_an_id(ledger: Ledger) -> None:
    """A model whose name looks like the beginning of an id is found by its name."""
    name = digest(2)[7:13]
    ledger.append([entry(9)], Move(f"{name}@main", None, digest(1)))
    assert resolve(ledger, name, SNAPSHOT) == digest(1)


def test_an_ambiguous_beginning_lists_the_candidates(ledger: Ledger) -> None:
    """When several ids begin so, some of them are shown with what they are."""
    with pytest.raises(UnknownReference, match="is the beginning of 7 ids") as caught:
        resolve(ledger, "abcd", SNAPSHOT)
    assert "abcdef000000 (snapshot m0" in caught.value.message
    assert "a few digits more" in caught.value.hint


@pytest.mark.parametrize("reference", ["digit", "digist", "digits@tial", "Digits"])
def test_a_misspelt_name_is_answered_with_near_ones(ledger: Ledger, reference: str) -> None:
    """Someone who mistypes a name is shown what they may have meant."""
    with pytest.raises(UnknownReference, match="No snapshot goes by") as caught:
        resolve(ledger, reference, SNAPSHOT)
    assert "Did you mean digits" in caught.value.hint


@pytest.mark.parametrize(
    "reference",
    ["", "zzz", "abc", "../digits", "sha256:", "digits@", "@", "%", digest(77), "x" * 10_000],
)
def test_what_is_not_there_is_said_plainly(ledger: Ledger, reference: str) -> None:
    """Whatever is typed, the answer is a short sentence and a hint."""
    with pytest.raises(UnknownReference, match="No snapshot goes by") as caught:
        resolve(ledger, reference, SNAPSHOT)
    assert len(str(caught.value)) < 300
    assert "digits" in caught.value.hint


def test_the_wrong_kind_is_named(ledger: Ledger) -> None:
    """An id of something else is not passed off as a snapshot, nor a head that points there."""
    with pytest.raises(UnknownReference, match="is of kind reproduction, not snapshot"):
        resolve(ledger, digest(3)[7:15], SNAPSHOT)
    ledger.append([entry(10)], Move("rerun@main", None, digest(3)))
    with pytest.raises(UnknownReference, match="is of kind reproduction, not snapshot"):
        resolve(ledger, "rerun", SNAPSHOT)
    assert resolve(ledger, "rerun", ("snapshot", "reproduction")) == digest(3)


def test_an_empty_store_says_what_to_do_first(tmp_path: Path) -> None:
    """In an empty store the hint is to take a snapshot."""
    empty = SqlLedger(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(UnknownReference, match="No snapshot") as caught:
        resolve(empty, "digits", SNAPSHOT)
    assert "take a snapshot first" in caught.value.hint
    empty.close()
