from __future__ import annotations

from campaigns.kill_points import (
    FAULTS,
    adding,
    adding_in_place,
    adding_to_team,
    check_store,
    find_points,
    find_statements,
    try_points,
)
from tests.postgresql import PostgreSQL

EVERY = 41
"""The slice of all points that is tried here; the campaign tries all."""


def test_a_stop_at_any_write_loses_nothing_acknowledged() -> None:
    """Killed, or told that the disk is full or failing, a store keeps all it acknowledged.

    Nothing half-written is visible afterwards, every error is one of ours, and
    the next add works. Every 41st point is tried.
    """
    points = find_points(adding)[::EVERY]
    assert {point.fault for point in points} == set(FAULTS)
    outcomes = list(try_points(points, adding, check_store))
    assert {outcome.point.fault for outcome in outcomes if outcome.struck} == set(FAULTS)
    assert [outcome for outcome in outcomes if outcome.problems] == []


def test_a_stop_at_any_statement_loses_nothing_acknowledged(server: PostgreSQL) -> None:
    """A team's store keeps what it acknowledged, wherever between statements its writer is killed.

    Every 60th statement is tried.
    """
    team = adding_to_team(server)
    outcomes = list(try_points(find_statements(team)[::60], team, check_store))
    assert any(outcome.struck for outcome in outcomes)
    assert [outcome for outcome in outcomes if outcome.problems] == []


def test_the_check_catches_a_writer_that_writes_in_place() -> None:
    """The same check fails for blobs written straight under their names, so it can fail."""
    points = find_points(adding_in_place, calls=["write"])
    # The first is of the store's own format; then come two for each blob.
    killed = [point for point in points if point.fault == "kill"][1:4]
    outcomes = list(try_points(killed, adding_in_place, check_store))
    assert all(outcome.struck for outcome in outcomes)
    assert any(outcome.problems for outcome in outcomes)
