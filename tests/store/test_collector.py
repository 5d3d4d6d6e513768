from __future__ import annotations

import pytest

from campaigns.collector import WithoutClaims, WithoutSecondLook, by_hand, done, interleave
from py_mlops.store.blobs.leased import LeasedBlobs

SLICE = 40
"""Interleavings that are tried here; the campaign tries 10,000."""


def test_no_order_of_steps_loses_what_is_live() -> None:
    """Whatever writers, collector and time do in whatever order, what a row names is there."""
    before = done.copy()
    by_hand(LeasedBlobs)
    interleave(SLICE, same=True)
    happened = done - before
    assert happened["removed"] > 0  # the collector works at all
    assert happened["appended"] > 0


@pytest.mark.parametrize("control", [WithoutClaims, WithoutSecondLook])
def test_the_check_catches_careless_writers(control: type[LeasedBlobs]) -> None:
    """The same check fails for writers who do not claim, or do not look again."""
    with pytest.raises(AssertionError, match="lost"):
        by_hand(control)
