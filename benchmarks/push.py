"""A push into a bucket beside what people use for it: boto3 in a loop and in threads, rclone copy.

Run it with ``python -m benchmarks.push [MEGABYTES [FILES [ROUNDS]]]``. The service is
rclone's, on this machine, so that no network is measured.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import boto3
import msgspec
from boto3.s3.transfer import TransferConfig
from sqlalchemy import URL

from benchmarks.figures import Figure, table
from py_mlops.commands.transfer.moving import End, Transfer
from py_mlops.progress import silent
from py_mlops.records import DataFile, Snapshot
from py_mlops.store import StatCache, Store, open_store
from py_mlops.store.blobs.bucket.blobs import BucketBlobs
from py_mlops.store.ledger.ledger import SqlLedger
from tests.buckets import BUCKET, KEY_ID, SECRET, Service, rclone
from tests.store.samples import ANN, snapshot

_SMALL = 4096
_THREADS = 16


def _fill(folder: Path, megabytes: int, files: int) -> tuple[Store, str]:
    """Make a store with a snapshot of so many small files and a large one."""
    store = open_store(folder / "store")
    source = random.Random(0)
    with store.blobs.batch() as writer:
        blobs = [writer.put_bytes(source.randbytes(_SMALL)) for _ in range(files)]
        history, lock = writer.put_bytes(b"history"), writer.put_bytes(b"lock")
    large = folder / "large"
    with large.open("wb") as file:
        for _ in range(megabytes):
            file.write(source.randbytes(1 << 20))
    blobs.append(store.blobs.put_file(large))
    large.unlink()
    data = [
        DataFile(
            path=f"/data/{number}", requested=f"{number}", role="input", rewritten=False, cell=1,
            observed="audit-hook", process="", blobs=[blob], modified="0", executable=False,
        )
        for number, blob in enumerate(blobs)
    ]  # fmt: skip
    record: Snapshot = msgspec.structs.replace(snapshot(history=history, lock=lock), data=data)
    return store, store.add(record, head="digits@main").record


class Contest:
    """The contenders, each into a prefix of its own."""

    def __init__(self, service: Service, store: Store, identifier: str, cache: Path) -> None:
        """Take what is to be sent."""
        self._service, self._store, self._id, self._cache = service, store, identifier, cache
        self._objects = store.folder / "objects"

    def ours(self, prefix: str) -> None:
        """Push as `mlops push` does: asked, checked, kept by notes, entered in a ledger.

        The ledger is a new one each time, so that every object is asked for.
        """
        path = self._cache / f"{prefix}-{time.monotonic_ns()}.sqlite"
        ledger = SqlLedger(URL.create("sqlite", database=str(path)))
        address = f"s3://{BUCKET}/{prefix}"
        team = Store(BucketBlobs(address), ledger, StatCache(Path(":memory:")), self._cache)
        transfer = Transfer(
            End(self._store, "ours"), End(team, "team"),
            author=ANN, cache=self._cache, report=silent, stage="push",
        )  # fmt: skip
        transfer.carry(self._id)
        team.close()

    def loop(self, prefix: str) -> None:
        """Upload file after file with boto3."""
        client = self._client()
        for path in self._files():
            client.upload_file(str(path), BUCKET, f"{prefix}/{path.name}")

    def threads(self, prefix: str) -> None:
        """Upload with boto3, as many at a time as we do."""
        client = self._client()
        one = TransferConfig(max_concurrency=4)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(
                pool.map(
                    lambda path: client.upload_file(
                        str(path), BUCKET, f"{prefix}/{path.name}", Config=one
                    ),
                    self._files(),
                )
            )

    def copy(self, prefix: str) -> None:
        """Copy the folder with rclone, with as many transfers as we have."""
        program = Path(sys.executable).with_name("rclone")
        remote = (
            f":s3,provider=Other,access_key_id={KEY_ID},secret_access_key={SECRET},"
            f"endpoint='{self._service.endpoint}':{BUCKET}/{prefix}"
        )
        words = [str(program), "copy", "--config", os.devnull, "--transfers", str(_THREADS)]
        subprocess.run([*words, "--checkers", "16", str(self._objects), remote], check=True)

    def _files(self) -> list[Path]:
        return [path for path in self._objects.rglob("*") if path.is_file()]

    def _client(self) -> boto3.client:
        return boto3.client(
            "s3",
            endpoint_url=self._service.endpoint,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(arguments: list[str]) -> None:
    """Measure the contenders in turn, each round all of them, and again with nothing missing."""
    defaults = [500, 2000, 3]
    megabytes, files, rounds = [*map(int, arguments), *defaults[len(arguments) :]]
    with tempfile.TemporaryDirectory() as name, rclone() as service:
        os.environ.update(service.environment)
        store, identifier = _fill(Path(name), megabytes, files)
        contest = Contest(service, store, identifier, Path(name))
        contenders = {
            "mlops push": contest.ours,
            "rclone copy": contest.copy,
            f"boto3, {_THREADS} threads": contest.threads,
            "boto3, one after the other": contest.loop,
        }
        first: dict[str, list[float]] = {name: [] for name in contenders}
        again: dict[str, list[float]] = {name: [] for name in list(contenders)[:2]}
        for number in range(rounds):
            for place, (name_of, run) in enumerate(contenders.items()):
                pushing = partial(run, f"round{number}-{place}")
                first[name_of].append(_timed(pushing))
                if name_of in again:
                    again[name_of].append(_timed(pushing))
        store.close()
    title = f"A snapshot of {files:,} files of 4 KiB and one of {megabytes:,} MiB into a bucket"
    table(title, [Figure(one, times) for one, times in first.items()])
    table("The same again, nothing missing", [Figure(one, times) for one, times in again.items()])
    ours = sorted(first["mlops push"])[rounds // 2]
    for one, times in first.items():
        print(f"  {one}: {sorted(times)[rounds // 2] / ours:.2f} of our time")


if __name__ == "__main__":
    main(sys.argv[1:])
