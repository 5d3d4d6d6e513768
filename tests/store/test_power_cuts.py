from __future__ import annotations

import pytest

from campaigns.block_device import problem
from campaigns.power_cuts import CONTROL, SUBJECTS, try_cuts

CUTS = 6
"""The slice that is tried here; the campaign tries forty times as many, of every verb."""


@pytest.fixture(scope="module", autouse=True)
def recording_disk() -> None:
    """Without such disks, which containers rarely allow, nothing can be shown."""
    if why := problem():
        pytest.skip(f"not covered: power cuts ({why})")


def test_a_power_cut_loses_nothing_acknowledged() -> None:
    """A disk without power keeps only what was flushed; all that a store acknowledged was.

    Nothing half-written is visible on the ext4 of that disk, and the next add works.
    """
    cuts = list(try_cuts(SUBJECTS["add"], CUTS))
    assert any(cut.lost for cut in cuts)
    assert [cut for cut in cuts if cut.problems] == []


def test_the_check_catches_a_writer_that_does_not_flush() -> None:
    """The same check fails for blobs that nobody flushed, so it can fail."""
    assert any(cut.problems for cut in try_cuts(CONTROL, CUTS // 2))
