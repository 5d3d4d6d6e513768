from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from campaigns.bucket_faults import CONTROLS, Services, Subject, running, try_schedules

SEEDS = range(6)
"""The slice of the schedules that is tried here; the campaign tries 240."""


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """Return two running services."""
    with running() as both:
        yield both


def test_a_bucket_that_fails_in_every_way_loses_nothing(services: Services) -> None:
    """Errors, silence, lost answers, cut, slow and altered bodies: nothing acknowledged is lost.

    Each operation is done or refused with an error of ours, in bounded time, no
    wrong byte is handed out, and whatever is in the bucket is whole. Six of
    the campaign's 240 schedules are tried, half of them on a service that knows
    no conditions.
    """
    results = list(try_schedules(services, SEEDS))
    assert [result.problems for result in results if result.problems] == []
    assert {result.service for result in results} == {"moto", "rclone"}
    assert sum(result.done for result in results) > 0
    assert len(sum((result.struck for result in results), Counter[str]())) >= 6


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: str(control.kind.__name__))
def test_the_check_catches_who_believes_or_hopes(services: Services, control: Subject) -> None:
    """The same check fails for blobs that are not hashed, or whose errors are not told."""
    assert any(result.problems for result in try_schedules(services, [1], control))
