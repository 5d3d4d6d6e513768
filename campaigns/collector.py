"""The garbage collector against writers: whatever the order of their steps, nothing live is lost.

Writers put, claim and append, a collector plans, buries and removes, and time passes; Hypothesis
chooses who does what next. Run it with ``python -m campaigns.collector [INTERLEAVINGS]``.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from py_mlops.errors import Missing
from py_mlops.records import Author, Blob, Import, digest_of
from py_mlops.store import BlobWriter, Store
from py_mlops.store.blobs.leased import LeasedBlobs
from py_mlops.store.blobs.statcache import StatCache
from py_mlops.store.gc import GarbagePlan, plan, sweep
from py_mlops.store.ledger.claims import DAY, Claims
from py_mlops.store.ledger.ledger import SqlLedger

HOUR = 3600
MEMORY = next((path for path in ("/dev/shm",) if Path(path).is_dir()), None)  # noqa: S108 - no secret
WRITERS = 2
OBJECTS = 2
"""Few, so that writers meet what others left behind."""

_ANN = Author(name="Ann", email=None, source="unverified")
done: Counter[str] = Counter()
"""How often what happened, so that a collector that never removes anything is noticed."""


@dataclass
class Place:
    """Objects in a place as careless as any bucket: no locks, and no time that can be refreshed.

    Attributes:
        now: Seconds, of a clock that the campaign turns.
        objects: Bytes and the time they were put, by digest.
    """

    now: float = 1e9
    objects: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def put_bytes(self, data: bytes) -> Blob:
        """Put what is not there."""
        blob = Blob(digest=digest_of(data), size=len(data))
        if blob.digest in self.objects:
            done["taken for stored"] += 1
        self.objects.setdefault(blob.digest, (data, self.now))
        return blob

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Put what they are together."""
        return self.put_bytes(b"".join(pieces))

    def put_file(self, path: Path) -> Blob:
        """Put a file's bytes."""
        return self.put_bytes(path.read_bytes())

    @contextmanager
    def batch(self) -> Iterator[BlobWriter]:
        """Put each at once."""
        yield self

    def has(self, digest: str) -> bool:
        """Say whether it is there."""
        return digest in self.objects

    def open(self, digest: str) -> BinaryIO:
        """Open it."""
        return io.BytesIO(self.read(digest))

    def read(self, digest: str) -> bytes:
        """Return its bytes."""
        if digest not in self.objects:
            raise Missing(f"There is no {digest}.", hint="")
        return self.objects[digest][0]

    def copy_to(self, digest: str, target: Path) -> None:
        """Write it to a file."""
        target.write_bytes(self.read(digest))

    def __iter__(self) -> Iterator[Blob]:
        """Iterate over all."""
        return self.stale(float("-inf"))

    def touch(self, digest: str) -> Blob | None:
        """Say what is there; nothing can be kept here."""
        found = self.objects.get(digest)
        return Blob(digest=digest, size=len(found[0])) if found else None

    def stale(self, seconds: float) -> Iterator[Blob]:
        """Iterate over what was put so long ago."""
        for digest, (data, put) in list(self.objects.items()):
            if put <= self.now - seconds:
                yield Blob(digest=digest, size=len(data))

    def delete(self, digest: str, *, idle: float = 0) -> bool:
        """Remove it, whoever may need it."""
        del idle
        return self.objects.pop(digest, None) is not None

    def sweep_tmp(self, older_than_seconds: float, *, dry_run: bool = False) -> list[str]:
        """Nothing is left behind here."""
        del older_than_seconds, dry_run
        return []


class WithoutClaims(LeasedBlobs):
    """A control: its writers claim nothing."""

    def _claim(self, digests: Any) -> set[str]:
        return {digest for digest in digests if not digest}


class WithoutSecondLook(LeasedBlobs):
    """A control: its writers do not look again at what was buried when they claim it."""

    def _claim(self, digests: Any) -> set[str]:
        super()._claim(digests)
        return set()


@dataclass
class Writer:
    """One who is on the way from first byte to row."""

    began: float
    batch: AbstractContextManager[BlobWriter]
    taker: BlobWriter
    put: list[str] = field(default_factory=list)
    closed: bool = False


class Interleaving(RuleBasedStateMachine):
    """Writers, a collector, and time."""

    blobs_class: type[LeasedBlobs] = LeasedBlobs

    def __init__(self) -> None:
        """Begin with an empty store."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="mlops-collector-", dir=MEMORY))
        shutil.copy(_template(), self.folder / "ledger.sqlite")
        self.place = Place()
        ledger = SqlLedger(f"sqlite:///{self.folder / 'ledger.sqlite'}")
        claims = Claims(ledger.database, clock=lambda: self.place.now)
        blobs = self.blobs_class(self.place, claims)
        self.store = Store(blobs, ledger, StatCache(Path(":memory:")), self.folder)
        self.writers: dict[int, Writer] = {}
        self.plan: GarbagePlan | None = None
        self.live: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        """Remove the store."""
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(number=st.integers(0, WRITERS - 1), item=st.integers(0, OBJECTS - 1))
    def put(self, number: int, item: int) -> None:
        """A writer puts an object, in a batch that stays open."""
        writer = self.writers.get(number)
        if writer is None:
            batch = self.store.blobs.batch()
            writer = self.writers[number] = Writer(self.place.now, batch, batch.__enter__())
        if not writer.closed:
            writer.put.append(writer.taker.put_bytes(b"object %d" % item).digest)

    @rule(number=st.integers(0, WRITERS - 1))
    def close(self, number: int) -> None:
        """A writer closes its batch: what it put is claimed."""
        writer = self.writers.get(number)
        if writer is not None and not writer.closed:
            writer.batch.__exit__(None, None, None)
            writer.closed = True

    @rule(number=st.integers(0, WRITERS - 1))
    def append(self, number: int) -> None:
        """A writer enters the record that names what it put, within the day it has."""
        writer = self.writers.get(number)
        if writer is None or not writer.closed:
            return
        del self.writers[number]
        if self.place.now - writer.began >= DAY:
            return
        self.count += 1
        record = Import(
            snapshot=writer.put[0], bundle=writer.put[-1], author=_ANN,
            created=f"2026-01-31T12:00:00.{self.count:06}Z",
        )  # fmt: skip
        row = self.store.add(record)
        self.live |= {row.record, writer.put[0], writer.put[-1]}
        done["appended"] += 1

    @rule(hours=st.sampled_from([1, 11, 25]))
    def wait(self, hours: int) -> None:
        """Time passes; who has been at it for a day gives up."""
        self.place.now += hours * HOUR
        for number, writer in list(self.writers.items()):
            if self.place.now - writer.began >= DAY:
                del self.writers[number]

    @rule()
    def look(self) -> None:
        """The collector makes its plan."""
        self.plan = plan(self.store)

    @precondition(lambda self: self.plan is not None and self.plan.blobs)
    @rule()
    def collect_one(self) -> None:
        """The collector buries or removes the next object of its plan, however old the plan is."""
        assert self.plan is not None
        first, *rest = self.plan.blobs
        removed = sweep(self.store, replace(self.plan, blobs=(first,)))
        done["removed" if removed.blobs else "spared or buried"] += 1
        self.plan = replace(self.plan, blobs=tuple(rest))

    @rule()
    def collect_all(self) -> None:
        """The collector runs from beginning to end."""
        done["removed"] += len(sweep(self.store, plan(self.store)).blobs)

    @invariant()
    def nothing_live_is_lost(self) -> None:
        """Every record of the ledger is there, and what it names."""
        lost = self.live - self.place.objects.keys()
        assert not lost, f"lost: {sorted(lost)}"


def by_hand(blobs_class: type[LeasedBlobs]) -> None:
    """Take the steps that each of the controls must fail at, one after the other.

    An object that nobody named is buried and due. A writer takes it for stored.
    The collector removes it before the writer claims it, or after.

    Raises:
        AssertionError: When something live was lost.
    """
    for removed_first in (False, True):
        one: Interleaving = _machine(blobs_class)()
        try:
            one.put(0, 0)
            one.close(0)
            one.wait(25)
            one.wait(25)
            one.collect_all()
            one.wait(25)
            one.put(1, 0)
            if removed_first:
                one.collect_all()
            one.close(1)
            one.append(1)
            one.collect_all()
            one.nothing_live_is_lost()
        finally:
            one.teardown()


def _machine(blobs_class: type[LeasedBlobs]) -> type[Interleaving]:
    return type(blobs_class.__name__, (Interleaving,), {"blobs_class": blobs_class})


_made: list[Path] = []


def _template() -> Path:
    """Return an empty ledger's file, made once."""
    if not _made:
        path = Path(tempfile.mkdtemp()) / "ledger.sqlite"
        SqlLedger(f"sqlite:///{path}").close()
        _made.append(path)
    return _made[0]


def interleave(count: int = 10_000, *, same: bool = False) -> None:
    """Try interleavings of 40 steps.

    Args:
        count: How many.
        same: Always the same ones.

    Raises:
        AssertionError: When something live was lost.
    """
    run_state_machine_as_test(
        Interleaving,
        settings=settings(
            max_examples=count,
            stateful_step_count=40,
            derandomize=same,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def main(count: int = 10_000) -> int:
    """Try all interleavings, and the controls, which must fail."""
    start, blind = time.monotonic(), []
    by_hand(LeasedBlobs)
    interleave(count)
    print(f"{count} interleavings, nothing lost: {dict(done)}, {time.monotonic() - start:.0f} s")
    for control in (WithoutClaims, WithoutSecondLook):
        try:
            by_hand(control)
        except AssertionError as error:
            print(f"control {control.__name__} lost something, as it must: {error}")
        else:
            blind.append(control.__name__)
    print(f"controls that lost nothing: {blind}")
    return int(bool(blind) or not done["removed"])


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
