"""Who listens at a team's database hears when its log has grown."""

from __future__ import annotations

import asyncio
import os

import pytest

from py_mlops.errors import StoreUnavailable
from py_mlops.store.ledger.ledger import SqlLedger
from tests.postgresql import PostgreSQL
from tests.store.samples import entry


def test_what_others_append_is_heard(server: PostgreSQL) -> None:
    """A listener hears of its own log, not of its neighbour's, and of the server's end."""
    names = [f"heard{os.getpid()}", f"deaf{os.getpid()}"]
    ours, theirs = (SqlLedger(server.address(name)) for name in names)

    async def listens() -> list[bool]:
        async with ours.listening() as heard:
            theirs.append([entry(0)])
            told = [await heard(0.2)]
            ours.append([entry(0)])
            told.append(await heard(60))
            ours.append([entry(0)])  # which it has already
            told.append(await heard(0.2))
            server.stop()
            try:
                with pytest.raises(StoreUnavailable, match="Listening to the ledger failed"):
                    await heard(60)
            finally:
                server.start()
        return told

    assert asyncio.run(listens()) == [False, True, False]
    for ledger in (ours, theirs):
        ledger.close()


def test_a_standby_takes_no_listeners(server: PostgreSQL) -> None:
    """It says so, in words of ours, so that whoever wants to know asks now and then."""
    schema = f"standby{os.getpid()}"
    SqlLedger(server.address(schema)).close()

    async def listens(ledger: SqlLedger) -> None:
        async with ledger.listening():
            raise AssertionError

    with server.standby() as copy:
        reader = SqlLedger(copy.address(schema, make=False))
        with pytest.raises(StoreUnavailable) as caught:
            asyncio.run(listens(reader))
        reader.close()
    assert "standby" in caught.value.hint
