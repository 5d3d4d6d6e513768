"""The objects below a bucket's prefix: put, asked for, listed and removed, one request each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError

from py_mlops.errors import StoreUnavailable
from py_mlops.store.blobs.bucket.client import Client

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

T = TypeVar("T")

PART = 5 << 20
"""Bytes of one part of a large upload: the least that S3 takes."""

WHOLE = 8 << 20
"""Up to so many bytes an object goes in one request."""

_MOST_PARTS = 9000
_AT_ONCE = 4
_PAGE = 1000
_CHUNK = 1 << 20


class Meta(NamedTuple):
    """What a bucket says of an object.

    Attributes:
        path: Where it lies, below the prefix.
        size: Its bytes.
        modified: When it was written, by the server's clock.
    """

    path: str
    size: int
    modified: datetime


class Objects:
    """Objects in a bucket, by their path below the address's prefix.

    Attributes:
        ranges: Whether the service gives parts of objects; until it was seen
            not to, it is taken to.
    """

    def __init__(self, client: Client) -> None:
        """Use a bucket."""
        self.client = client
        self.ranges = True
        self._conditions = True

    def meta(self, path: str) -> Meta | None:
        """Return what the bucket says of an object; ``None`` when it has none there."""
        try:
            found = self.client.ask("Looking into", lambda: obstore.head(self.client.store, path))
        except FileNotFoundError:
            return None
        return Meta(path, found["size"], found["last_modified"])

    def create(self, path: str, data: bytes) -> bool:
        """Put an object where there is none.

        Returns:
            Whether it was put; ``False`` when there is one already. A server
            that knows no conditions puts it in any case.
        """
        if self._conditions:
            try:
                return self._create(path, data)
            except StoreUnavailable as error:
                if not _knows_no_conditions(error):
                    raise
                self._conditions = False
        self.put(path, data)
        return True

    def _create(self, path: str, data: bytes) -> bool:
        def question() -> bool:
            try:
                obstore.put(self.client.store, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False  # or an earlier try of ours came through, and only its answer was lost
            return True

        return self._write(question)

    def put(self, path: str, data: bytes = b"") -> None:
        """Put an object, in place of any that is there."""

        def question() -> None:
            obstore.put(self.client.store, path, data, use_multipart=False)

        self._write(question)

    def put_file(self, path: str, source: Path, size: int) -> None:
        """Put a large file in parts, a few of them in memory; it appears when all are there."""
        part = max(PART, -(-size // _MOST_PARTS))

        def question() -> None:
            with source.open("rb") as file:
                obstore.put(
                    self.client.store,
                    path,
                    iter(lambda: file.read(part), b""),
                    use_multipart=True,
                    chunk_size=part,
                    max_concurrency=_AT_ONCE,
                )

        self._write(question)

    def part(self, meta: Meta, start: int, end: int) -> bytes:
        """Return a range of an object's bytes, never more than asked for.

        Args:
            meta: The object.
            start: The first byte.
            end: The first one after it.

        Raises:
            FileNotFoundError: When there is no such object.
        """
        # Some services answer a range that is all of it as if none had been asked for.
        if start == 0 and end == meta.size:
            return self.client.ask("Reading from", lambda: self._taken(meta, {}, start, end))
        options: GetOptions = {"range": (start, end)} if self.ranges else {}

        def question() -> bytes:
            return self._taken(meta, options, 0 if options else start, end - start)

        try:
            return self.client.ask("Reading from", question)
        except StoreUnavailable as error:
            if not options or "NotPartial" not in str(error.__cause__):
                raise
        self.ranges = False
        return self.part(meta, start, end)

    def _taken(self, meta: Meta, options: GetOptions, skip: int, length: int) -> bytes:
        """Return some bytes of an answer, however many more a server may send."""
        data = bytearray()
        for chunk in obstore.get(self.client.store, meta.path, options=options).stream(_CHUNK):
            passed = min(skip, len(chunk))
            skip -= passed
            data += chunk[passed : passed + length - len(data)]
            if len(data) == length:
                break
        return bytes(data)

    def list(self, folder: str) -> Iterator[list[Meta]]:
        """Iterate over the objects of a folder, a page at a time."""
        last: str | None = None
        pages = self._pages(folder, last)

        def following() -> Sequence[ObjectMeta] | None:
            nonlocal pages
            try:
                return next(pages, None)
            except BaseError:
                pages = self._pages(folder, last)  # after what has come already
                raise

        while page := self.client.ask("Listing", following):
            last = page[-1]["path"]
            yield [Meta(one["path"], one["size"], one["last_modified"]) for one in page]

    def remove(self, *paths: str) -> None:
        """Remove objects; one that is not there is none too many."""
        for path in paths:
            with suppress(FileNotFoundError):
                self.client.ask("Removing from", partial(obstore.delete, self.client.store, path))

    def _pages(self, folder: str, after: str | None) -> Iterator[Sequence[ObjectMeta]]:
        store = self.client.store
        return iter(obstore.list(store, folder + "/", offset=after, chunk_size=_PAGE))

    def _write(self, question: Callable[[], T]) -> T:
        try:
            return self.client.ask("Writing to", question)
        except FileNotFoundError as error:
            raise self.client.no_bucket("Writing to") from error


def _knows_no_conditions(error: StoreUnavailable) -> bool:
    cause = error.__cause__
    return isinstance(cause, NotSupportedError) or "status code: 501" in str(cause)
