from __future__ import annotations

from functools import partial

import pytest

from campaigns.commands import CONTROL, VERBS, check, running, try_verb
from campaigns.kill_points import FAULTS, find_points, try_points

SLICES = {
    "snapshot": 83,
    "restore": 53,
    "bundle": 53,
    "unbundle": 113,
    "push": 211,
    "pull": 79,
    "gc": 17,
}
"""Of each verb only every so manieth point is tried here; the campaign tries all."""

AT_LEAST = {"snapshot": 5, "restore": 4, "bundle": 4, "unbundle": 4, "push": 4, "pull": 4, "gc": 3}
"""So many points these are, in any case."""


@pytest.mark.parametrize("verb", VERBS)
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
