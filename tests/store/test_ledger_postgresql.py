from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from py_mlops.store.ledger.ledger import SqlLedger
from tests.postgresql import PostgreSQL
from tests.store.contract import LedgerContract

_numbers = itertools.count()


@pytest.fixture
def address(server: PostgreSQL) -> str:
    """Return the address of an empty place of the test's own in the server."""
    return server.address(f"ledger{next(_numbers)}")


@pytest.fixture
def opener(address: str) -> Callable[[], SqlLedger]:
    """Return what opens the ledger once more, also in another process."""
    return partial(SqlLedger, address)


@pytest.fixture
def ledger(opener: Callable[[], SqlLedger]) -> Iterator[SqlLedger]:
    """Return an empty ledger."""
    opened = opener()
    yield opened
    opened.close()


class TestPostgresqlKeepsTheContract(LedgerContract):
    pass
