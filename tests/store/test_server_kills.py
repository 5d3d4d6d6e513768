from __future__ import annotations

from pathlib import Path

from campaigns.server_kills import careless, check, trial
from tests.postgresql import postgresql

SLICE = 3
"""Kills that are tried here; the campaign tries 20."""


def test_a_killed_server_loses_nothing_acknowledged_and_nothing_stands_twice(
    tmp_path: Path,
) -> None:
    """Killed and started again under four writers, the log has what they were told, once.

    The same check fails when the last rows are taken away.
    """
    with postgresql() as server:
        address = server.address(blobs=str(tmp_path / "blobs"))
        traffic = trial(server, address, SLICE)
        assert len(traffic.acknowledged) > SLICE
        assert list(check(address, traffic)) == []
        careless(server)
        assert any("was acknowledged and is lost" in said for said in check(address, traffic))
