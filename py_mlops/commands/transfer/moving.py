"""Moves snapshots with all their bytes from one store to another, believing the other nothing."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from py_mlops.data.drafts import drafts
from py_mlops.errors import Corrupt, Hostile, InputError, Missing
from py_mlops.progress import Progress, Report
from py_mlops.records import (
    Author,
    Blob,
    HeadMove,
    Import,
    Record,
    Reproduction,
    Snapshot,
    decode_as,
    digest_of,
)
from py_mlops.records.closure import named_blobs
from py_mlops.report.page import size
from py_mlops.store import Store
from py_mlops.store.blobs.touching import touch_all
from py_mlops.store.failures import disk_failures
from py_mlops.workspace import latest, now

R = TypeVar("R", bound=Record)

_LARGEST_RECORD = 64 << 20
_MOST_RERUNS = 20
"""The newest reproductions of a snapshot that travel with it."""
_LOOKED_AT = 1000
"""The newest reproductions, and the nearest ancestors, among which is looked for further ones."""
_SMALL = 1 << 20
_BATCH = 16 << 20
_MOST = 256
_CHUNK = 1 << 20
_AT_ONCE = 8


@dataclass(frozen=True)
class End:
    """One of the two stores of a transfer.

    Attributes:
        store: It.
        name: What a person calls it, for messages.
    """

    store: Store
    name: str


@dataclass
class Carried:
    """What a transfer has moved so far.

    Attributes:
        snapshots: Ids of snapshots that are new there, oldest first.
        objects: How many objects travelled.
        size: Their bytes.
        held: How many were there already.
        reruns: Ids of reproductions that are new there, oldest first.
        refused: Why a reproduction was not taken over, a sentence for each.
    """

    snapshots: list[str]
    objects: int = 0
    size: int = 0
    held: int = 0
    reruns: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Transfer:
    """Snapshots on their way; each has its row when all it stands on is there and durable.

    What has arrived stays, so a transfer that was stopped goes on where it was.
    """

    def __init__(
        self, source: End, target: End, *, author: Author, cache: Path, report: Report, stage: str
    ) -> None:
        """Prepare a transfer.

        Args:
            source: Where the snapshots are; hostile until checked.
            target: Where they go.
            author: Who moves them.
            cache: A folder for what is on its way.
            report: Told about progress.
            stage: The stage it is told.
        """
        self._source = source
        self._target = target
        self._author = author
        self._cache = cache / "transfers"
        self._report = report
        self._stage = stage
        self.carried = Carried([])

    def carry(self, snapshot_id: str) -> None:
        """Move a snapshot, and before it those of its ancestors that the target lacks.

        Behind them come the newest reproductions that the target lacks, of each
        and of those that it had already.
        One that is damaged or not what it says is left out, and does not keep
        the snapshot from travelling.

        Args:
            snapshot_id: Its whole id.

        Raises:
            Corrupt: When bytes are not what their names say.
            Missing: When the source lacks some of them.
            Hostile: When a record is larger than any can be.
            StoreUnavailable: When one of the stores cannot be read or written.
        """
        lacking = self._lacking(snapshot_id)
        for identifier, snapshot in lacking:
            self._carry_one(identifier, snapshot)
        for identifier in dict.fromkeys([*(one for one, _ in lacking), snapshot_id]):
            self._carry_reruns(identifier)
        for identifier in self._judged_ancestors(snapshot_id):
            self._carry_reruns(identifier)

    def record(self, identifier: str) -> Snapshot:
        """Return a snapshot of the source, its bytes and form checked."""
        return self._record(identifier, Snapshot)

    def _record(self, identifier: str, kind: type[R]) -> R:
        with self._open(identifier) as file, disk_failures(f"Reading from {self._source.name}"):
            data = file.read(_LARGEST_RECORD + 1)
        if len(data) > _LARGEST_RECORD:
            raise Hostile(
                f"{identifier} of {self._source.name} is too large for a record.",
                hint="Do not use that store before its owner has looked into it.",
            )
        if digest_of(data) != identifier:
            raise _altered(self._source, identifier)
        return decode_as(data, kind)

    def advance(self, head: str, snapshot_id: str, reason: str) -> bool:
        """Move a head of the target on to a snapshot that is there.

        Args:
            head: Its name.
            snapshot_id: The snapshot's id.
            reason: Why, for the log.

        Returns:
            Whether it points there now; ``False`` when it points at what is no
            ancestor of the snapshot, and was left there.
        """
        ledger = self._target.store.ledger
        with ledger.turn(head) as previous:
            if previous == snapshot_id:
                return True
            if previous is not None and previous not in self._ancestors(snapshot_id):
                return False
            move = HeadMove(
                head=head,
                previous=previous,
                target=snapshot_id,
                created=now(),
                author=self._author,
                reason=reason,
            )
            self._target.store.add(move)
        return True

    def _ancestors(self, snapshot_id: str) -> Iterator[str]:
        """Iterate over a snapshot's ancestors that the source has, the nearest first."""
        seen, todo = {snapshot_id}, deque([snapshot_id])
        while todo:
            for parent in self.record(todo.popleft()).parents:
                if parent not in seen:
                    seen.add(parent)
                    yield parent
                    if listed(self._source.store, parent):
                        todo.append(parent)

    def _lacking(self, snapshot_id: str) -> list[tuple[str, Snapshot]]:
        """Return what the target lacks, parents before their children."""
        found: dict[str, Snapshot] = {}
        parents: dict[str, list[str]] = {}
        todo = [snapshot_id]
        while todo:
            identifier = todo.pop()
            if identifier in found or listed(self._target.store, identifier):
                continue
            found[identifier] = snapshot = self.record(identifier)
            named = [one for one in snapshot.parents if listed(self._source.store, one)]
            parents[identifier] = named
            todo += named
        order = TopologicalSorter(parents).static_order()
        return [(identifier, found[identifier]) for identifier in order if identifier in found]

    def _carry_one(self, identifier: str, snapshot: Snapshot) -> None:
        self._bring(snapshot, f"{snapshot.request.name} {identifier[7:19]}")
        came = Import(
            snapshot=identifier,
            bundle=None,
            created=now(),
            author=self._author,
            store=self._source.store.ledger.name(),
        )
        self._target.store.add(snapshot, after=[came])
        self.carried.snapshots.append(identifier)

    def _judged_ancestors(self, snapshot_id: str) -> Iterator[str]:
        """Yield ancestors that both stores have, with verdicts that the target lacks."""
        judged = _judged(self._source.store, self._target.store) - {snapshot_id}
        try:
            for ancestor in islice(self._ancestors(snapshot_id), _LOOKED_AT if judged else 0):
                if ancestor in judged:
                    yield ancestor
        except (Corrupt, Hostile, InputError, Missing) as error:
            self.carried.refused.append(error.message)

    def _carry_reruns(self, snapshot_id: str) -> None:
        """Move the reproductions of a snapshot that is there."""
        ledger = self._source.store.ledger
        rows = ledger.newest(kind="reproduction", subject=snapshot_id, limit=_MOST_RERUNS)
        for row in reversed(rows):
            if listed(self._target.store, row.record, "reproduction"):
                continue
            try:
                rerun = self._rerun(row.record, snapshot_id)
                self._bring(rerun, f"rerun {row.record[7:19]}")
                self._target.store.add(rerun)
            except (Corrupt, Hostile, InputError, Missing) as error:
                self.carried.refused.append(error.message)
            else:
                self.carried.reruns.append(row.record)

    def _rerun(self, identifier: str, snapshot_id: str) -> Reproduction:
        rerun = self._record(identifier, Reproduction)
        if rerun.snapshot != snapshot_id:
            raise Hostile(
                f"{identifier} of {self._source.name} is a rerun of another snapshot than its "
                "ledger says.",
                hint="Ask the owner of that store; nothing of it was taken over.",
            )
        if rerun.created > latest():
            raise Hostile(
                f"{identifier} of {self._source.name} claims to be of {rerun.created}, "
                "which is yet to come.",
                hint="Set the clock of the machine that made it, and rerun the snapshot there.",
            )
        return rerun

    def _bring(self, record: Record, name: str) -> None:
        """Move the bytes that a record stands on, as far as the target lacks them."""
        wanted = {blob.digest: blob for blob in named_blobs(record)}
        here = touch_all(self._target.store.blobs, wanted)
        lacking = [blob for digest, blob in wanted.items() if here.get(digest) != blob]
        self.carried.held += len(wanted) - len(lacking)
        done, total = 0, len(lacking)
        for batch in _batches(lacking):
            text = f"{name}, {size(sum(blob.size for blob in batch))}"
            self._report(Progress(self._stage, text, done, total))
            self._send(batch)
            done += len(batch)

    def _send(self, batch: Sequence[Blob]) -> None:
        with disk_failures(f"Making a folder in {self._cache}"):
            self._cache.mkdir(parents=True, exist_ok=True)
        if len(batch) == 1 and batch[0].size > _SMALL:
            self._send_large(batch[0])
        else:
            self._send_small(batch)
        self.carried.objects += len(batch)
        self.carried.size += sum(blob.size for blob in batch)

    def _send_small(self, batch: Sequence[Blob]) -> None:
        with (
            ThreadPoolExecutor(_AT_ONCE) as pool,
            self._target.store.blobs.batch() as writer,
        ):
            for data in pool.map(self._read, batch):
                writer.put_bytes(data)

    def _send_large(self, blob: Blob) -> None:
        with (
            disk_failures(f"Moving {blob.digest[:19]}…"),
            drafts(self._cache) as held,
            self._target.store.blobs.batch() as writer,
        ):
            self._extract(blob, held / "large")
            writer.put_file(held / "large")

    def _read(self, blob: Blob) -> bytes:
        """Return a small blob's bytes, never more than the record says it has."""
        with self._open(blob.digest) as file, disk_failures(f"Reading from {self._source.name}"):
            data = file.read(blob.size + 1)
        if len(data) != blob.size or digest_of(data) != blob.digest:
            raise _altered(self._source, blob.digest)
        return data

    def _extract(self, blob: Blob, target: Path) -> None:
        """Write a large blob to a file, never more than the record says it has."""
        found, left = hashlib.sha256(), blob.size
        with self._open(blob.digest) as source, target.open("xb") as sink:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise _altered(self._source, blob.digest)
                found.update(chunk)
                sink.write(chunk)
        if left or "sha256:" + found.hexdigest() != blob.digest:
            raise _altered(self._source, blob.digest)

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._source.store.blobs.open(digest)
        except Missing as error:
            raise Missing(
                f"{self._source.name} lacks object {digest[:19]}…, which a record stands on.",
                hint="Run `mlops verify` there, and restore the object from a backup or a bundle.",
            ) from error


def _altered(end: End, digest: str) -> Corrupt:
    return Corrupt(
        f"Object {digest[:19]}… of {end.name} is not what its name says.",
        hint="It was damaged or altered: run `mlops verify` there, and restore it from a "
        "backup. Nothing of it was taken over.",
    )


def _judged(source: Store, target: Store) -> set[str]:
    """Return snapshots of the target on which the source has newer verdicts that it lacks."""
    there = target.ledger.newest(kind="reproduction", limit=_LOOKED_AT)
    known = {row.record for row in there}
    rows = source.ledger.newest(kind="reproduction", limit=_LOOKED_AT)
    subjects = {row.subject for row in rows if row.record not in known}
    return {one for one in subjects if listed(target, one)}


def _batches(blobs: Iterable[Blob]) -> Iterator[list[Blob]]:
    """Sort blobs into batches that fit into memory; a large one is a batch of its own."""
    batch: list[Blob] = []
    held = 0
    for blob in blobs:
        if blob.size > _SMALL:
            yield [blob]
            continue
        if held + blob.size > _BATCH or len(batch) == _MOST:
            yield batch
            batch, held = [], 0
        batch.append(blob)
        held += blob.size
    if batch:
        yield batch


def listed(store: Store, identifier: str, kind: str = "snapshot") -> bool:
    """Say whether a store's ledger has a snapshot, or a record of another kind."""
    rows = store.ledger.find(identifier.removeprefix("sha256:"), 1)
    return any(row.kind == kind for row in rows)
