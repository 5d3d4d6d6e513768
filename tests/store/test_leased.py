from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from py_mlops.store.blobs.folder import FolderBlobs
from py_mlops.store.blobs.leased import LeasedBlobs
from py_mlops.store.ledger.claims import DAY, Claims
from py_mlops.store.ledger.ledger import SqlLedger
from tests.postgresql import PostgreSQL
from tests.store.contract import BlobsContract
from tests.store.samples import digest

_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    """Return an empty ledger of each kind, in whose database the claims are."""
    if request.param == "sqlite":
        opened = SqlLedger(f"sqlite:///{tmp_path / 'claims.sqlite'}")
    else:
        server: PostgreSQL = request.getfixturevalue("server")
        opened = SqlLedger(server.address(f"leased{os.getpid()}_{next(_numbers)}"))
    yield opened
    opened.close()


@pytest.fixture
def places(tmp_path: Path) -> FolderBlobs:
    """Return where the bytes are."""
    return FolderBlobs(tmp_path / "store")


@pytest.fixture
def blobs(places: FolderBlobs, ledger: SqlLedger) -> LeasedBlobs:
    """Return a team's blobs."""
    return LeasedBlobs(places, Claims(ledger.database))


@pytest.fixture
def damage(places: FolderBlobs) -> Callable[[str, bytes], None]:
    """Return what overwrites a blob."""

    def overwrite(name: str, data: bytes) -> None:
        path = places.path(name)
        path.chmod(0o644)
        path.write_bytes(data)

    return overwrite


class TestLeasedBlobsKeepTheContract(BlobsContract):
    pass


def test_a_claim_ends_and_a_burial_takes_its_time(ledger: SqlLedger) -> None:
    """Nothing claimed is buried; what is buried is removed a grace later; a claim digs up."""
    now = [1e9]
    claims = Claims(ledger.database, clock=lambda: now[0])
    removed: list[str] = []

    def remove() -> bool:
        removed.append(digest(1))
        return True

    def collect() -> bool:
        return claims.bury(digest(1), DAY, remove)

    assert claims.claim([digest(1), digest(2)]) == set()
    assert not collect()
    now[0] += DAY + 1
    assert not collect()  # buried only now
    now[0] += DAY - 2
    assert not collect()
    assert claims.claim([digest(1), digest(2)]) == {digest(1)}
    now[0] += DAY + 1
    assert not collect()
    now[0] += DAY + 1
    assert removed == []
    assert collect()
    assert removed == [digest(1)]
    assert claims.claim([digest(1)]) == {digest(1)}  # whoever saw it before looks again


def test_a_later_claim_never_shortens_an_earlier_one(ledger: SqlLedger) -> None:
    """The longest of several claims counts."""
    now = [1e9]
    claims = Claims(ledger.database, clock=lambda: now[0])
    claims.claim([digest(1)], 10 * DAY)
    claims.claim([digest(1)], DAY)
    now[0] += 5 * DAY
    claims.bury(digest(1), DAY, lambda: True)
    now[0] += 2 * DAY
    assert not claims.bury(digest(1), DAY, lambda: True)


def test_what_is_forgotten_is_only_what_ended(ledger: SqlLedger) -> None:
    """Ended claims and the tombstones of objects long gone are dropped, all else is kept."""
    now = [1e9]
    claims = Claims(ledger.database, clock=lambda: now[0])
    claims.bury(digest("gone"), DAY, lambda: True)
    claims.bury(digest("there"), DAY, lambda: True)
    claims.claim([digest("ended")])
    now[0] += 3 * DAY
    claims.claim([digest("live")])
    claims.forget(DAY, lambda name: name == digest("there"))
    with ledger.database.connect() as connection:
        kept = set(connection.exec_driver_sql("SELECT digest FROM claim").scalars())
    assert kept == {digest("live"), digest("there")}


def test_claims_by_the_hundred_are_taken_at_once(ledger: SqlLedger) -> None:
    """A batch of more than a statement's worth of objects is claimed as a whole."""
    claims = Claims(ledger.database)
    names = [digest(number) for number in range(600)]
    assert claims.claim(names) == set()
    for name in names[::100]:
        assert not claims.bury(name, DAY, lambda: True)
    with ledger.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM claim").scalar() == 600
