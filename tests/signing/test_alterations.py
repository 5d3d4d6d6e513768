"""A slice of the campaign that alters a signed store; `make campaign` does all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns import alterations
from campaigns.alterations import everything, of_history, of_tables, rig_at, run
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

EVERY = 41
"""Of some 1,900 alterations of a folder's store every 41st is tried here, of a server's fewer."""


def test_no_alteration_of_a_folder_goes_unnamed(tmp_path: Path) -> None:
    """Fields, bytes, cells, rows, signatures, dates: verify names each, and else says nothing."""
    with rig_at(tmp_path) as rig:
        tried, failures = run(rig, everything(rig)[::EVERY])
    assert failures == []
    assert tried["untouched"] >= 2
    assert len(tried) > 8


def test_no_alteration_on_a_server_goes_unnamed(tmp_path: Path, server: PostgreSQL) -> None:
    """The same in PostgreSQL: tables, and history made anew."""
    with rig_at(tmp_path, server) as rig:
        tried, failures = run(rig, [*of_tables(rig), *of_history(rig)][:: 2 * EVERY])
    assert failures == []
    assert tried.total() > 5


def test_the_campaign_catches_a_verify_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where signatures are not looked at, forged fields go unnamed and the campaign says so."""
    monkeypatch.setattr("py_mlops.commands.upkeep.signatures.holds", lambda *_: True)
    with rig_at(tmp_path) as rig:
        forged = [one for one in everything(rig) if one.kind == "field forged"]
        _, failures = run(rig, forged[:3])
    assert len(failures) == 3
    assert alterations.__doc__
