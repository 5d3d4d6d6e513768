"""Lets a bucket's service and network fail in every way by seeded schedules; nothing may be lost.

Run it with ``python -m campaigns.bucket_faults``; a number after it tries so many
schedules, 240 by default.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from campaigns.faulty_proxy import FAULTS, proxy
from py_mlops.errors import MlopsError, StoreError
from py_mlops.records import Blob, digest_of
from py_mlops.store.blobs.bucket.blobs import BucketBlobs
from py_mlops.store.blobs.bucket.intake import BucketIntake
from py_mlops.store.blobs.bucket.keys import OBJECTS, key
from py_mlops.store.blobs.bucket.objects import Meta
from py_mlops.store.blobs.bucket.reading import ranges
from tests.buckets import Service, environment, moto, rclone

SCHEDULES = 240
TIMEOUT = 0.3
"""Seconds of one request; faults that are silent last longer."""

BOUND = 120.0
"""Seconds in which all of a schedule must have ended; 20 are usual on a busy machine."""

_RATES = (0.1, 0.25, 0.5)
_LARGE = (9 << 20) + 11
Services = tuple[Service, Service]
"""The services under test."""

_LOCK = threading.Lock()


class Believing(BucketBlobs):
    """A negative control: takes whatever it is given for what it asked for."""

    def _fill(self, digest: str, meta: Meta, sink: BinaryIO) -> None:
        del digest
        sink.writelines(ranges(self._objects, meta, self._pool))


class Hopeful(BucketBlobs):
    """Another: says that it is done also when the bucket did not take it."""

    @contextmanager
    def batch(self) -> Iterator[BucketIntake]:
        """Write a batch, and look away."""
        with tempfile.TemporaryDirectory() as name:
            intake = BucketIntake(self._objects, self._ages, Path(name))
            yield intake
            try:
                intake.send(self._pool)
            except StoreError:
                return


@dataclass(frozen=True)
class Subject:
    """What is tried.

    Attributes:
        kind: The blobs.
        faults: What may befall a request.
        rate: The share of requests that meet one; 0 for one by the seed.
    """

    kind: type[BucketBlobs] = BucketBlobs
    faults: Sequence[str] = FAULTS
    rate: float = 0.0


CONTROLS = (Subject(Believing, ["wrong bytes"], 0.5), Subject(Hopeful, ["409"], 0.9))
"""The negative controls, each with what it does not bear."""


@dataclass
class Result:
    """What came of a schedule.

    Attributes:
        seed: Which.
        service: The service behind the proxy.
        struck: The faults that requests met.
        refused: Operations that ended in an error of ours.
        done: Operations that came through.
        seconds: How long it took.
        problems: What went wrong.
    """

    seed: int
    service: str
    struck: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    done: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Schedule:
    """A run of operations on one prefix of a bucket, under one seed."""

    def __init__(self, seed: int, service: Service, subject: Subject) -> None:
        """Prepare a run; nothing is asked yet."""
        self._random = random.Random(seed)
        self._service = service
        self._subject = subject
        self._address = service.address()
        self._acknowledged: dict[str, bytes] = {}
        self.result = Result(seed, "moto" if service.conditions else "rclone")

    def run(self) -> Result:
        """Work through the proxy, and then look straight at what is there."""
        start = time.monotonic()
        rate = self._subject.rate or self._random.choice(_RATES)
        faults = self._subject.faults
        with proxy(self._service.port, self.result.seed, rate, faults) as between:
            blobs = self._open(f"http://127.0.0.1:{between.server_port}", TIMEOUT)
            self._work(blobs)
            self.result.struck = between.struck
        self._inspect(self._open(self._service.endpoint, 30))
        self.result.seconds = time.monotonic() - start
        if self.result.seconds > BOUND:
            self.result.problems.append(f"it took {self.result.seconds:.0f} s")
        return self.result

    def _open(self, endpoint: str, timeout: float) -> BucketBlobs:
        # The endpoint comes from the environment, which all schedules share.
        with _LOCK:
            os.environ.update(environment(endpoint))
            return self._subject.kind(self._address, timeout=timeout)

    def _work(self, blobs: BucketBlobs) -> None:
        contents = [self._random.randbytes(self._random.choice((1, 700, 70_000))) for _ in range(8)]
        if self._random.random() < 0.2:
            contents.append(self._random.randbytes(_LARGE))
        for number in range(0, len(contents), 3):
            self._put(blobs, contents[number : number + 3])
        for data in contents:
            self._read(blobs, data)
        self._try(lambda: blobs.touch_all([digest_of(data) for data in contents]))
        self._try(lambda: list(blobs.stale(-5)))
        doomed = digest_of(contents[0])
        self._acknowledged.pop(doomed, None)
        self._try(lambda: blobs.delete(doomed))
        self._put(blobs, contents[:2])

    def _put(self, blobs: BucketBlobs, contents: Sequence[bytes]) -> None:
        def work() -> None:
            with tempfile.TemporaryDirectory() as name, blobs.batch() as writer:
                for number, data in enumerate(contents):
                    if number % 2:
                        (Path(name) / "file").write_bytes(data)
                        writer.put_file(Path(name) / "file")
                    else:
                        writer.put_bytes(data)

        if self._try(work):
            self._acknowledged |= {digest_of(data): data for data in contents}

    def _read(self, blobs: BucketBlobs, data: bytes) -> None:
        digest = digest_of(data)

        def work() -> None:
            if blobs.read(digest) != data:
                self.result.problems.append(f"other bytes were handed out for {digest[:19]}")

        self._try(work)

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except MlopsError as error:
            self.result.refused += 1
            if not error.hint:
                self.result.problems.append(f"no hint: {error.message}")
            return False
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.result.problems.append(f"{type(error).__name__}: {error}"[:200])
            return False
        self.result.done += 1
        return True

    def _inspect(self, blobs: BucketBlobs) -> None:
        """Look without faults: all acknowledged is there, all that is there is whole."""
        found = {blob.digest: blob for blob in blobs}
        for digest, data in self._acknowledged.items():
            if found.get(digest) != Blob(digest=digest, size=len(data)):
                self.result.problems.append(f"{digest[:19]} was acknowledged and is lost")
        for blob in found.values():
            meta = blobs._objects.meta(key(blob.digest))  # noqa: SLF001 - not by what is under test
            data = blobs._objects.part(meta, 0, meta.size) if meta and meta.size else b""  # noqa: SLF001
            if digest_of(data) != blob.digest:
                self.result.problems.append(f"{OBJECTS}/{blob.digest[7:19]} is not whole")
        again = b"the next one %d" % self.result.seed
        if blobs.read(blobs.put_bytes(again).digest) != again:
            self.result.problems.append("the next put did not work")


@contextmanager
def running() -> Iterator[Services]:
    """Run one service that knows conditions, and one that does not."""
    with moto() as first, rclone() as second:
        yield first, second


def try_schedules(
    services: Services, seeds: Sequence[int], subject: Subject = Subject(), *, at_once: int = 3
) -> Iterator[Result]:
    """Run schedules, in turn on a service that knows conditions and on one that does not.

    Args:
        services: Both.
        seeds: Which.
        subject: What is tried.
        at_once: How many at a time.
    """
    before = dict(os.environ)
    try:
        with ThreadPoolExecutor(at_once) as pool:
            yield from pool.map(
                lambda seed: Schedule(seed, services[seed % 2], subject).run(), seeds
            )
    finally:
        os.environ.clear()
        os.environ.update(before)


def main(arguments: Sequence[str] = ()) -> int:
    """Try all schedules, and two controls, which must fail."""
    count = int(arguments[0]) if arguments else SCHEDULES
    start = time.monotonic()
    with running() as services:
        return _main(services, count, start)


def _main(services: Services, count: int, start: float) -> int:
    results = list(try_schedules(services, range(count)))
    struck = sum((result.struck for result in results), Counter[str]())
    print("  ".join(f"{fault} {struck[fault]}" for fault in FAULTS))
    bad = [result for result in results if result.problems]
    for result in bad[:10]:
        print(f"  seed {result.seed} ({result.service}): {result.problems[0]}")
    done, refused = sum(one.done for one in results), sum(one.refused for one in results)
    print(f"{count} schedules: {done} operations done, {refused} refused, {len(bad)} schedules "
          f"with problems, the longest {max(one.seconds for one in results):.1f} s")  # fmt: skip
    blind = 0
    for control in CONTROLS:
        caught = sum(bool(one.problems) for one in try_schedules(services, range(4), control))
        name = control.kind.__name__
        print(f"control {name}: caught in {caught} of 4 schedules (must be some)")
        blind += not caught
    print(f"{time.monotonic() - start:.0f} s")
    return int(bool(bad) or blind > 0 or set(struck) != set(FAULTS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
