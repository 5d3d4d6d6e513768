"""A small signed store, in a folder or with a server, that is altered and put back each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from sqlalchemy import delete, insert, select, text

from py_mlops.commands.snapshots.snapshot import snapshot
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.commands.upkeep.retention import hold, redact
from py_mlops.commands.upkeep.signatures import Standing, examine
from py_mlops.commands.upkeep.verify import verify
from py_mlops.commands.upkeep.witness import read_witness, witness
from py_mlops.data import groups
from py_mlops.errors import StoreError
from py_mlops.predictions import LoggedPrediction, SegmentWriter, seal
from py_mlops.records import Author, HeadMove, record_id
from py_mlops.settings import Settings
from py_mlops.signing import Signer
from py_mlops.store import Store, open_store
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.ledger.schema import checkpoint, head, log, meta, metadata, node, signature
from py_mlops.workspace import Workspace, now
from tests.store.samples import reproduction

TABLES = (log, node, head, meta, signature, checkpoint)
"""The tables that are evidence; `claim` and `alembic_version` are not."""

ANN = Author(name="Ann", email="ann@example.org", source="git")
BOB = Author(name="Bob", email=None, source="unverified")


class Rig:
    """A store that can be altered, and put back as it was.

    Attributes:
        address: The store's.
        objects: Where its objects lie, each by its digest, as they were.
        tables: Its tables' rows, as they were.
        notices: What verify has to say of it that is no damage.
    """

    def __init__(self, address: str, folder: Path, witnessed: Path) -> None:
        """Take a whole store.

        Args:
            address: Its address.
            folder: The folder below which ``objects`` is.
            witnessed: A file for its witnessed checkpoint.
        """
        self.address = address
        self.objects = {
            f"sha256:{path.name}": path for path in sorted((folder / "objects").glob("*/*"))
        }
        self._bytes = {digest: path.read_bytes() for digest, path in self.objects.items()}
        self._folder = folder / "objects"
        self._witness = witnessed
        self._ledger = self._open_ledger()
        with self.connection() as connection:
            self._rows = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }
        self.tables = {table.name: self._rows[table.name] for table in TABLES}
        self.notices = self.standing().notices

    def _open_ledger(self) -> SqlLedger:
        store = open_store(self.address)
        assert isinstance(store.ledger, SqlLedger)
        if store.ledger.database.dialect == "postgresql":
            with store.ledger.database.connect() as connection:
                for name in ("head_seq_fkey",):
                    connection.execute(text(f"ALTER TABLE head DROP CONSTRAINT IF EXISTS {name}"))
                connection.commit()
        return store.ledger

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Give a connection that holds nothing together but what it is told."""
        with self._ledger.database.connect() as connection:
            if self._ledger.database.dialect == "sqlite":
                # Not through SQLAlchemy, which begins a transaction, in which this does nothing.
                driver: Any = connection.connection.dbapi_connection
                driver.execute("PRAGMA foreign_keys = OFF")
            yield connection
            connection.commit()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store unsigned, for a forger."""
        opened = open_store(self.address)
        try:
            yield opened
        finally:
            opened.close()

    def standing(self) -> Standing:
        """Return what the signatures say now."""
        with self.store() as opened:
            return examine(opened)

    def told(self, *, against: bool = False) -> list[str]:
        """Return what verify says that it did not say of the whole store."""
        try:
            store = open_store(self.address)
        except StoreError as error:
            return [error.message]
        try:
            workspace = Workspace(store, ANN, Settings(self.address, Path(), ()))
            standing = examine(store)
            witnessed = read_witness(self._witness) if against else None
            wrong = list(verify(workspace, standing=standing, witnessed=witnessed))
            return wrong + [one for one in standing.notices if one not in self.notices]
        finally:
            store.close()

    def overwrite(self, digest: str, data: bytes | None) -> None:
        """Put other bytes in an object's place, or none."""
        path = self.objects[digest]
        path.chmod(0o644)
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)

    def original(self, digest: str) -> bytes:
        """Return an object's bytes as they were."""
        return self._bytes[digest]

    def put_back(self) -> None:
        """Make the store what it was."""
        for path in self._folder.glob("*/*"):
            if f"sha256:{path.name}" not in self.objects:
                path.unlink()
        for digest, path in self.objects.items():
            if not path.exists() or path.read_bytes() != self._bytes[digest]:
                if path.exists():
                    path.chmod(0o644)
                path.write_bytes(self._bytes[digest])
        with self.connection() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
            for table in metadata.sorted_tables:
                if self._rows[table.name]:
                    connection.execute(insert(table), self._rows[table.name])

    def close(self) -> None:
        """Release the database."""
        self._ledger.close()


def build(folder: Path, address: str, config: Path) -> None:
    """Fill a store with every kind of record, signed by two people, and some rows by nobody.

    Args:
        folder: What `campaigns.prepared.prepare` has laid out.
        address: The store's.
        config: A folder for Ann's keys; Bob's lie beside it.
    """

    def workspace(author: Author, name: str, *, signs: bool = True) -> Workspace:
        settings = Settings(address, folder / "cache", (), config=config / name)
        signer = Signer(author, settings.config) if signs else None
        return Workspace(open_store(address, signer=signer), author, settings, signer)

    ann = workspace(ANN, "ann")
    with mock.patch.object(groups, "FROM", 3):
        first = record_id(snapshot(ann, folder / "handover-1"))
        record_id(snapshot(ann, folder / "handover-2"))
    unbundle(ann, folder / "received.mlops")
    ann.store.close()
    bob = workspace(BOB, "bob")
    bob.store.add(_move(BOB, "flowers@staging", first))
    bob.store.close()
    nobody = Author(name="Carl", email=None, source="environment")
    carl = workspace(nobody, "carl", signs=False)
    carl.store.add(_of(nobody, first))
    carl.store.close()
    ann = workspace(ANN, "ann")
    ann.store.add(_move(ANN, "flowers@production", first))
    _log_predictions(ann, folder / "predictions", first)
    witness(ann, file=folder / "witnessed")
    ann.store.close()


def _log_predictions(workspace: Workspace, file: Path, snapshot_id: str) -> None:
    """Log three predictions, delete one, and hold the others."""
    with SegmentWriter(file) as writer:
        for number in range(3):
            writer.append(
                LoggedPrediction(
                    id=f"r{number}", time=now(), snapshot=snapshot_id, inputs=[number], outputs=[0]
                )
            )
    segment = seal(workspace.store, file, log="flowers@production", author=workspace.author)
    redact(workspace, segment, [1], reason="asked for")
    hold(workspace, segment, reason="audit")


def _move(author: Author, name: str, target: str) -> HeadMove:
    return HeadMove(
        head=name, previous=None, target=target, created=now(), author=author, reason="approved"
    )


def _of(author: Author, snapshot_id: str) -> Any:
    return msgspec.structs.replace(reproduction(snapshot_id), author=author, created=now())
