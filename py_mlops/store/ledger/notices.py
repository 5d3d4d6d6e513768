"""Tells those who wait at a server that the log has grown, in the transaction that lets it grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import DBAPIError

from py_mlops.store.failures import database_failures
from py_mlops.store.ledger.database import Database

CHANNEL = "py_mlops"
"""PostgreSQL's channel; a message is the name of the schema whose log has grown."""

NOTICE = func.pg_notify(CHANNEL, func.current_schema())
"""What a writing statement returns beside its work: it costs no question of its own."""

Heard = Callable[[float], Awaitable[bool]]
"""Waits so many seconds at most; says whether a message came before."""


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Heard]:
    """Hear when the log of a ledger in PostgreSQL has grown.

    It is a courtesy, as nobody promises that a message arrives: a pooler
    swallows them, and a standby takes no listeners. So ask now and then.

    Args:
        database: The ledger's.

    Yields:
        How to wait for a message.

    Raises:
        StoreUnavailable: When the server takes no listeners, or is gone; also
            while one waits.
    """
    driver, words = database.driver()
    with _failures(driver):
        connection = await driver.AsyncConnection.connect(autocommit=True, **words)
    try:
        with _failures(driver):
            try:
                async with asyncio.timeout(database.silent):
                    await connection.execute(f"LISTEN {CHANNEL}")
                    found = await connection.execute("SELECT current_schema()")
                    [schema] = await found.fetchone()
            except TimeoutError as error:
                raise driver.OperationalError("the database does not answer") from error

        async def heard(seconds: float) -> bool:
            with _failures(driver):
                messages = connection.notifies(timeout=seconds)
                async for message in messages:
                    if message.payload == (schema or ""):
                        await messages.aclose()
                        return True
            return False

        yield heard
    finally:
        await connection.close()


@contextmanager
def _failures(driver: Any) -> Iterator[None]:
    """Say the driver's errors as those of any other question to the ledger."""
    with database_failures("Listening to the ledger"):
        try:
            yield
        except driver.Error as error:
            raise DBAPIError(None, None, error) from error
