"""Records and replays aiohttp, and with it fsspec's web files, s3fs and aiobotocore.

Both below its parser: what the server sent goes to the tape as it comes off the
wire, and a rerun's connection sends it again.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Callable

from .http_answer import Answer, Kept, Question
from .http_errors import cut_off
from .loopback import is_own
from .tape import Unrecorded, tape

_ANSWER = "_mlops_answer"
_FEED = "_mlops_feed"
_MOST_HEAD = 1 << 20
_MOST_BODY = 64 << 20
_BLOCK = 1 << 16
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_INFORMATIONAL = range(100, 200)
_SWITCHING = 101
_Step = Callable[..., Any]


def patch_connector(module: Any) -> None:
    """Patch ``aiohttp.connector``: in a rerun a connection leads to the tape."""
    module.BaseConnector.connect = _connecting(module, module.BaseConnector.connect)


def patch_protocol(module: Any) -> None:
    """Patch ``aiohttp.client_proto``: bytes come by here as the server sent them."""
    kind = module.ResponseHandler
    kind.data_received = _receiving(kind.data_received)
    kind.connection_lost = _losing(kind.connection_lost)


def patch_response(module: Any) -> None:
    """Patch ``aiohttp.client_reqrep``: where an answer begins."""
    module.ClientResponse.start = _starting(module.ClientResponse.start)


def patch_streams(module: Any) -> None:
    """Patch ``aiohttp.streams``: where every way to read a body waits for more of it."""
    module.StreamReader._wait = _waiting(module.StreamReader._wait)  # noqa: SLF001 - the one place


PATCHES: dict[str, Callable[[Any], None]] = {
    "aiohttp.connector": patch_connector,
    "aiohttp.client_proto": patch_protocol,
    "aiohttp.client_reqrep": patch_response,
    "aiohttp.streams": patch_streams,
}


class _Wire:
    """The bytes of one answer as the server sends them, on their way to the tape."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.is_headed = False
        self._head = b""

    def feed(self, data: bytes) -> None:
        if self.is_headed:
            self.answer.write(data)
            return
        self._head += data
        while not self.answer.ended:
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                if len(head) > _MOST_HEAD:
                    self.answer.lost("Its headers are too long.")
                return
            self._head = rest
            if self._begin(head.decode("latin-1").split("\r\n")):
                self.answer.write(rest)
                return

    def _begin(self, lines: list[str]) -> bool:
        version, _, rest = lines[0].partition(" ")
        status, _, reason = rest.partition(" ")
        if not status.isdigit():
            self.answer.lost("It is no HTTP.")
        elif int(status) not in _INFORMATIONAL or int(status) == _SWITCHING:
            pairs = [line.partition(":") for line in lines[1:]]
            headers = [(name, value.strip()) for name, _, value in pairs]
            self.answer.head(version.partition("/")[2], int(status), reason, headers)
            self.is_headed = True
        return self.is_headed


class _Feed(asyncio.Transport):
    """A connection to nowhere, which sends what the tape has."""

    def __init__(self, kept: Kept, protocol: Any, loop: Any, expects: bool) -> None:
        super().__init__()
        self.kept, self.is_fed = kept, False
        self._protocol, self._loop = protocol, loop
        self._pieces = kept.pieces()
        self._first = kept.wire()
        self._expects = expects
        self._paused = self._closed = False

    def begin(self, upload: Any) -> None:
        """Send the answer, once the request has been sent."""
        if self._expects:
            self._protocol.data_received(_CONTINUE)
        if upload is None or upload.done():
            self._loop.call_soon(self._run)
        else:
            upload.add_done_callback(lambda _: self._run())

    def write(self, data: Any) -> None:
        """Send nowhere."""

    def writelines(self, list_of_data: Any) -> None:
        """Send nowhere."""

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        self._pieces.close()

    abort = close

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        while not (self._paused or self._closed or self.is_fed):
            piece, self._first = self._first or self._next(), b""
            if piece:
                self._protocol.data_received(piece)

    def _next(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._end(None)
        except Exception:  # what the answer ended with
            self._end(self.kept.error())
        return b""

    def _end(self, error: Exception | None) -> None:
        self.is_fed = True
        if error is None:
            self._protocol.connection_lost(None)
            return
        # Who has read all and waits for more is told now, others when they come so far.
        body = self._protocol._payload  # noqa: SLF001 - only the protocol knows it
        if body is not None and body._waiter is not None:  # noqa: SLF001 - and it the reader
            body.set_exception(_as_client_error(error))


def _connecting(connectors: Any, original: _Step) -> _Step:
    @functools.wraps(original)
    async def connect(self: Any, req: Any, *arguments: Any, **options: Any) -> Any:
        playing = tape()
        if playing is None or is_own(req.url.host or "", req.url.port or 0):
            return await original(self, req, *arguments, **options)
        question = _question(req)
        if playing.mode == "replay":
            kept = _kept(question, playing)
            if kept is None:
                return await original(self, req, *arguments, **options)
            return _connected(connectors, self, req, kept)
        answer = question.record(playing)
        try:
            connection = await original(self, req, *arguments, **options)
        except (Exception, asyncio.CancelledError) as error:
            answer.failed(cut_off(error), connecting=True)
            raise
        setattr(connection.protocol, _ANSWER, _Wire(answer))
        return connection

    return connect


def _connected(connectors: Any, connector: Any, req: Any, kept: Kept) -> Any:
    if kept.is_refused:
        raise kept.error(req.connection_key)
    loop = asyncio.get_running_loop()
    protocol = connector._factory()  # noqa: SLF001 - as connectors make theirs
    expects = "100-continue" in req.headers.get("Expect", "").lower()
    feed = _Feed(kept, protocol, loop, expects)
    protocol.connection_made(feed)
    protocol.force_close()  # nobody is to find it in the pool
    setattr(protocol, _FEED, feed)
    return connectors.Connection(connector, req.connection_key, protocol, loop)


def _starting(original: _Step) -> _Step:
    @functools.wraps(original)
    async def start(self: Any, connection: Any) -> Any:
        wire: _Wire | None = getattr(connection.protocol, _ANSWER, None)
        feed: _Feed | None = getattr(connection.protocol, _FEED, None)
        if feed is not None:
            upload = getattr(self, "_writer", None)
            if not feed.kept.status and upload is not None:
                await asyncio.wait({upload}, timeout=1)
            feed.kept.begun()
            feed.begin(upload)
        if wire is None:
            return await original(self, connection)
        try:
            response = await original(self, connection)
        except (Exception, asyncio.CancelledError) as error:
            wire.answer.failed(cut_off(error))
            raise
        self.content.on_eof(wire.answer.whole)
        return response

    return start


def _receiving(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def data_received(self: Any, data: bytes) -> None:
        wire: _Wire | None = getattr(self, _ANSWER, None)
        # Without a parser they are kept for later, and come by once more.
        if wire is not None and data and self._parser is not None and not wire.answer.ended:
            try:
                wire.feed(data)
            except Exception as error:
                wire.answer.lost(f"The answer could not be followed: {error}.")
        original(self, data)

    return data_received


def _losing(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def connection_lost(self: Any, exc: BaseException | None) -> None:
        wire: _Wire | None = getattr(self, _ANSWER, None)
        closed_here = self.transport is None
        original(self, exc)
        if wire is None or wire.answer.ended or not wire.is_headed:
            return
        if closed_here:
            wire.answer.part()
        elif exc is None:
            wire.answer.whole()
        else:
            wire.answer.failed(exc)

    return connection_lost


def _waiting(original: _Step) -> _Step:
    @functools.wraps(original)
    async def wait(self: Any, *arguments: Any, **options: Any) -> None:
        protocol = getattr(self, "_protocol", None)
        feed: _Feed | None = getattr(protocol, _FEED, None)
        if feed is not None and feed.is_fed and not feed.kept.is_whole:
            raise _as_client_error(feed.kept.error())
        wire: _Wire | None = getattr(protocol, _ANSWER, None)
        try:
            await original(self, *arguments, **options)
        except (Exception, asyncio.CancelledError) as error:
            if wire is not None:
                wire.answer.failed(cut_off(error))
            raise

    return wait


def _kept(question: Question, playing: Any) -> Kept | None:
    try:
        return question.replay(playing)
    except Unrecorded as error:
        raise _as_client_error(error) from error


def _as_client_error(error: Exception) -> Exception:
    """Return what is not on the tape as an error that callers of aiohttp expect."""
    if not isinstance(error, Unrecorded):
        return error
    from aiohttp import ClientOSError

    failure: Exception = ClientOSError(str(error))
    failure.__cause__ = error
    return failure


def _question(req: Any) -> Question:
    question = Question("aiohttp", req.method, str(req.url), req.headers.items())
    try:
        _add_body(question, req.body)
    except Exception:
        question.body("(a body that cannot be read twice)")
    return question


def _add_body(question: Question, body: Any) -> None:
    value = getattr(body, "_value", body)
    if isinstance(value, str):
        question.body(value.encode(getattr(body, "encoding", None) or "utf-8"))
    elif isinstance(value, (bytes, bytearray, memoryview)):
        question.body(value)
    elif hasattr(body, "_parts"):
        for part, *_ in body._parts:  # noqa: SLF001 - a multipart's parts are not public
            question.body(str(part.headers.get("Content-Disposition", "")))
            _add_body(question, part)
    elif hasattr(value, "seek"):
        place, left = value.tell(), _MOST_BODY
        while left > 0:
            piece = value.read(_BLOCK)
            if not piece:
                break
            question.body(piece)
            left -= len(piece)
        value.seek(place)
    elif value is not None:
        question.body("(a body that cannot be read twice)")
