from __future__ import annotations

from functools import partial

import pytest

from campaigns.commands import CONTROL, check, running, try_verb
from campaigns.kill_points import FAULTS, find_points, try_points
from tests.postgresql import PostgreSQL, server

__all__ = ["server"]

SLICES = {
    "snapshot": 83,
    "restore": 41,
    "bundle": 41,
    "unbundle": 113,
    "push": 211,
    "pull": 79,
    "gc": 17,
}
"""Of each verb only every so manieth point is tried here; the campaign tries all.

`run` is left to the campaign: each of its points starts two kernels.
"""

AT_LEAST = {
    "snapshot": 5,
    "restore": 4,
    "bundle": 4,
    "unbundle": 4,
    "push": 4,
    "pull": 4,
    "gc": 3,
}
"""So many points these are, in any case."""


@pytest.mark.parametrize("verb", SLICES)
def test_a_verb_stopped_at_any_write_harms_nothing_and_works_again(verb: str) -> None:
    """Killed, or told that the disk is full or failing, a verb leaves all whole or not there.

    What was there before is still there and verifies, what was acknowledged is
    there, and the same verb works again without any repair.
    """
    outcomes = list(try_verb(verb, every=SLICES[verb]))
    struck = [outcome.point for outcome in outcomes if outcome.struck]
    assert len(struck) >= AT_LEAST[verb]
    assert {point.fault for point in struck} == set(FAULTS)
    assert [outcome for outcome in outcomes if outcome.problems] == []


@pytest.mark.parametrize("verb", ["snapshot", "push"])
def test_a_verb_stopped_in_the_midst_of_a_teams_store_harms_nothing(
    server: PostgreSQL, verb: str
) -> None:
    """The same holds where the ledger is in a database that others share."""
    outcomes = list(try_verb(verb, every=109, server=server))
    assert len([outcome for outcome in outcomes if outcome.struck]) >= 3
    assert [outcome for outcome in outcomes if outcome.problems] == []


def test_the_check_catches_a_bundle_written_straight_to_its_name() -> None:
    """The same check fails for a verb that writes under the final name, so it can fail."""
    argv = partial(running, CONTROL)
    points = find_points(argv, calls=["write"])
    killed = [point for point in points if point.fault == "kill"]
    # The last two are the bundle's second half and the acknowledgement.
    outcomes = list(try_points(killed[-3:], argv, partial(check, CONTROL)))
    assert all(outcome.struck for outcome in outcomes)
    assert any("is not whole" in " ".join(outcome.problems) for outcome in outcomes)


@pytest.mark.parametrize(("verb", "files", "folders"), [("bundle", 1, 1), ("restore", 4, 2)])
def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    verb: str, files: int, folders: int
) -> None:
    """Files and their folders are synchronised: a power cut leaves each whole or not there.

    A stopped program cannot show this, since what it wrote outlives it. A
    restore writes the notebook, its data, its module and the executed cells
    into a new folder.
    """
    points = find_points(partial(running, verb), calls=["fsync"])
    assert len([point for point in points if point.fault == "kill"]) >= files + folders
