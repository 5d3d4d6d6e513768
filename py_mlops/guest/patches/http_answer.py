"""One web request and its answer, as they stand on the tape.

The key of a request is its client, method, filtered URL, the few headers that
change an answer, and the digest of its body. The payload of an answer is a line
of JSON (status and headers), the bytes of the body as the client library got
them, a line feed, and a last line of JSON: how the answer ended.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from typing import Any, Generator, Iterable

from ..observe import observer
from . import http_filter
from .http_errors import decoded, encoded
from .recording import Recording
from .tape import Tape, Unrecorded

KIND = "http"
VERSIONS = {9: "0.9", 10: "1.0", 11: "1.1", 20: "2"}
_MOST_HEAD = 1 << 20
_SWITCHING = 101
_PIECE = 1 << 16
Pairs = Iterable["tuple[str, str]"]


class Question:
    """A request: what it is called and what makes it equal to another.

    Attributes:
        source: ``https://host`` without credentials.
        request: ``GET https://host/path?q=1`` without credentials.
    """

    def __init__(self, client: str, method: str, url: str, headers: Pairs) -> None:
        """Begin with an empty body.

        Args:
            client: Which library asks; each gets its answers in a form of its own.
            method: ``GET``.
            url: The full URL; what is secret in it goes no further.
            headers: All request headers.
        """
        headers = list(headers)
        url = http_filter.address(url)
        scheme, slashes, rest = url.partition("://")
        names = {name.lower(): value for name, value in headers}
        self.source = scheme + slashes + re.split(r"[/?]", rest, maxsplit=1)[0]
        self.request = f"{method} {url}"
        self._client = client
        self._asked = [client, method, url, http_filter.asked_with(headers)]
        self._body = http_filter.BodyDigest(names.get("content-type", ""))
        # Whether such a body is sent at all hangs on the server's first word.
        self._deferred = "100-continue" in names.get("expect", "").lower()

    def body(self, data: Any) -> None:
        """Add a piece of the body; more than bytes, text and buffers is left out."""
        if not self._deferred:
            with contextlib.suppress(Exception):
                self._body.update(data)

    def record(self, tape: Tape) -> Answer:
        """Begin its answer. To be called once, when the body is complete."""
        return Answer(tape.record(KIND, self.source, self.request, self._key()), self._client)

    def is_on(self, tape: Tape) -> bool:
        """Say whether it was asked when the tape was recorded."""
        return tape.knows(KIND, self._key())

    def replay(self, tape: Tape) -> Kept | None:
        """Return its recorded answer. To be called once, when the body is complete.

        Returns:
            The answer; ``None`` when there is none, and the server may be asked.

        Raises:
            Unrecorded: When it was never asked, or the answer was not kept.
        """
        try:
            path = tape.replay(KIND, self.source, self.request, self._key())
        except Unrecorded:
            if tape.passes_through:
                return None
            raise
        return Kept(path, self.request)

    def _key(self) -> str:
        return json.dumps([*self._asked, self._body.hexdigest()])


class Answer:
    """An answer being recorded. No method ever raises."""

    def __init__(self, recording: Recording, client: str) -> None:
        """Begin with nothing, for a client: its name says what form the body has."""
        self._recording, self._client = recording, client
        self._headed = False
        self._pending = bytearray()
        self._body = 0

    @property
    def ended(self) -> bool:
        """Whether nothing that comes from now on is kept."""
        return self._recording.ended

    def head(self, version: str, status: int, reason: str, headers: Pairs) -> None:
        """Write the first line; a switch to another protocol ends the recording."""
        if status == _SWITCHING:
            self._recording.abandon("The connection went on as another protocol (a websocket).")
            return
        kept = http_filter.answered_with(headers)
        about = {"client": self._client, "version": version, "status": status, "reason": reason}
        self._line({**about, "headers": kept})
        self._pending += b"\n"
        self._headed = True
        self._body = len(self._pending)

    def write(self, data: Any) -> None:
        """Append to the body."""
        if self.ended:
            return
        if len(data) < _PIECE:
            self._pending += data
        if len(data) >= _PIECE or len(self._pending) >= _PIECE:
            self._flush()
        if len(data) >= _PIECE:
            self._recording.write(data)

    def whole(self) -> None:
        """Say that it came to its end."""
        self._end({"end": "whole"})

    def part(self) -> None:
        """Say that the program did not want the rest."""
        self._end({"end": "part"})

    def failed(self, error: BaseException, *, connecting: bool = False) -> None:
        """Say that it ended, or never began, with an error; or even that nobody was reached."""
        self._end({"end": "refused" if connecting else "error", "error": encoded(error)})

    def lost(self, problem: str) -> None:
        """Say that it cannot be kept."""
        self._recording.abandon(problem)

    def _end(self, end: dict[str, Any]) -> None:
        if self.ended:
            return
        try:
            self._close(end)
        except Exception as error:
            self.lost(f"The answer could not be kept: {error}.")

    def _close(self, end: dict[str, Any]) -> None:
        if not self._headed:
            self._line({})
        elif self._body:  # nothing was flushed: the body is short, and all of it is here
            filtered = http_filter.issued(bytes(self._pending[self._body :]))
            if filtered is None:
                self.lost("It issues a credential, compressed so that it cannot be masked.")
                return
            self._pending[self._body :] = filtered
        self._pending += b"\n"
        self._line(end)
        self._flush()
        self._recording.finish()

    def _line(self, value: dict[str, Any]) -> None:
        self._pending += json.dumps(value).encode()

    def _flush(self) -> None:
        if self._pending:
            self._recording.write(bytes(self._pending))
            self._pending.clear()
            self._body = 0


class Kept:
    """A recorded answer, opened to be read.

    Attributes:
        status: The code; 0 when the answer never began.
        version: ``1.1``
        reason: ``OK``
        headers: Names and values.
    """

    def __init__(self, path: str, request: str) -> None:
        """Open a payload.

        Args:
            path: The file.
            request: What was asked, for messages.

        Raises:
            Unrecorded: When the file is no recorded answer.
        """
        self._path, self._request = path, request
        try:
            with observer().paused(), open(path, "rb") as stream:
                line = stream.readline(_MOST_HEAD)
                head = json.loads(line)
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(len(line) - 1, size - _MOST_HEAD))
                last = stream.read().rpartition(b"\n")[2]
                end = json.loads(last)
            self.status = int(head.get("status", 0))
            self.version = str(head.get("version", "1.1"))
            self.reason = str(head.get("reason", ""))
            self.headers = [(str(name), str(value)) for name, value in head.get("headers", ())]
            self._ended, self._error = str(end["end"]), end.get("error")
        except Exception as error:
            raise Unrecorded(f"The recorded answer is damaged: {request}") from error
        self._start, self._stop = len(line), max(len(line), size - len(last) - 1)

    def begun(self, context: object = None) -> Kept:
        """Return itself, or raise the error that stood in the answer's place.

        Args:
            context: Stands where the error named an object of the client's own.
        """
        if not self.status:
            raise self.error(context)
        return self

    def error(self, context: object = None) -> Exception:
        """Return the error that the answer ended with; what follows is not on the tape."""
        if self._ended in ("error", "refused"):
            return decoded(self._error, context)
        return Unrecorded(
            f"Only {self._stop - self._start:,} bytes of this answer were read when the notebook "
            f"was recorded, and more is wanted now: {self._request}"
        )

    @property
    def is_whole(self) -> bool:
        """Whether the body came to its end."""
        return self._ended == "whole"

    @property
    def is_refused(self) -> bool:
        """Whether there was not even a connection."""
        return self._ended == "refused"

    def wire(self) -> bytes:
        """Return status line and headers as an HTTP/1 server sends them."""
        version = self.version if self.version in ("1.0", "1.1") else "1.1"
        lines = [f"HTTP/{version} {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the body; at its end comes the error that it ended with."""
        with self.stream(b"") as stream:
            while True:
                piece = stream.read1(_PIECE)
                if not piece:
                    return
                yield piece

    def stream(self, before: bytes) -> io.BufferedReader:
        """Return the body as a stream, some bytes put before it."""
        with observer().paused():
            source = open(self._path, "rb", buffering=0)  # noqa: SIM115 - closed with the span
        source.seek(self._start)
        return io.BufferedReader(_Span(self, source, before, self._stop - self._start))


class _Span(io.RawIOBase):
    """The bytes of an answer between its two lines."""

    def __init__(self, kept: Kept, source: io.FileIO, before: bytes, size: int) -> None:
        self._kept, self._source, self._before, self._left = kept, source, before, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if self._before:
            piece = self._before[: len(view)]
            self._before = self._before[len(piece) :]
            view[: len(piece)] = piece
            return len(piece)
        if not self._left and not self._kept.is_whole:
            raise self._kept.error()
        count = self._source.readinto(view[: self._left]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        self._source.close()
        super().close()
