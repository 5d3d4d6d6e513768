from __future__ import annotations

from pathlib import Path

import pytest

from campaigns import corruption
from campaigns.corruption import DAMAGES, damage_folders, damage_server
from py_mlops.store.ledger.schema import as_it_stands
from tests.postgresql import PostgreSQL

SLICE = 24
"""Damages of a folder tried here, half as many of a server's; the campaign tries 1,500."""


def test_no_damage_goes_unnoticed_and_none_is_used(server: PostgreSQL, tmp_path: Path) -> None:
    """Objects, pages and rows altered in seeded ways are named by verify and never read as true."""
    outcomes = list(damage_folders(SLICE))
    outcomes += damage_server(server, tmp_path / "blobs", SLICE // 2)
    assert {outcome.kind for outcome in outcomes} == {*DAMAGES, "postgresql row"}
    assert [outcome for outcome in outcomes if outcome.problems] == []


def test_the_check_catches_a_reader_who_does_not_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same check fails where rows are read without their leaf hash, and nothing is verified."""
    monkeypatch.setattr("py_mlops.store.ledger.ledger.from_columns", corruption_reader)
    monkeypatch.setattr(corruption, "verify", lambda _: iter(()))
    assert any(outcome.problems for outcome in damage_folders(SLICE))


def corruption_reader(columns: object) -> object:
    """Read a row as it stands."""
    return as_it_stands(columns)  # type: ignore[arg-type]
