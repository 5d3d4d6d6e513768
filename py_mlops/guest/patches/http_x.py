"""Records and replays httpx at its transports, below sessions, redirects and authentication."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, AsyncIterator, Callable, Iterator

from .http_answer import Answer, Kept, Question
from .http_errors import cut_off
from .loopback import is_own
from .tape import Tape, Unrecorded, tape

_PORTS = {"http": 80, "https": 443}
_Send = Callable[..., Any]


def patch(module: Any) -> None:
    """Patch both transports of ``httpx``."""
    sync, back = module.HTTPTransport, module.AsyncHTTPTransport
    sync.handle_request = _handling(module, sync.handle_request)
    back.handle_async_request = _handling_async(module, back.handle_async_request)


PATCHES: dict[str, Callable[[Any], None]] = {"httpx": patch}


def _handling(httpx: Any, original: _Send) -> _Send:
    streams = _Streams(httpx.SyncByteStream, _Sent, _Received, _Replayed)

    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        playing = _tape_for(request)
        if playing is None:
            return original(self, request)
        question, body = _question(request), request.stream
        if playing.mode == "replay":
            again = _Again(httpx, request, playing)
            if not _in_memory(request):
                for piece in body:
                    question.body(piece)
                    again.keep(piece)
            replayed = _replayed(httpx, request, question, playing, streams)
            if replayed is not None:
                return replayed
            with again:
                return original(self, request)
        answer = question.record(playing) if _in_memory(request) else None
        if answer is None:
            request.stream = streams.sent(body, question)
        try:
            response = original(self, request)
        except Exception as error:
            (answer or question.record(playing)).failed(error)
            raise
        finally:
            request.stream = body
        return _followed(response, answer or question.record(playing), streams)

    return handle_request


def _handling_async(httpx: Any, original: _Send) -> _Send:
    kinds = (_AsyncSent, _AsyncReceived, _AsyncReplayed)
    streams = _Streams(httpx.AsyncByteStream, *kinds)

    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        playing = _tape_for(request)
        if playing is None:
            return await original(self, request)
        question, body = _question(request), request.stream
        if playing.mode == "replay":
            again = _Again(httpx, request, playing)
            if not _in_memory(request):
                async for piece in body:
                    question.body(piece)
                    again.keep(piece)
            replayed = _replayed(httpx, request, question, playing, streams)
            if replayed is not None:
                return replayed
            with again:
                return await original(self, request)
        answer = question.record(playing) if _in_memory(request) else None
        if answer is None:
            request.stream = streams.sent(body, question)
        try:
            response = await original(self, request)
        except (Exception, asyncio.CancelledError) as error:
            (answer or question.record(playing)).failed(cut_off(error))
            raise
        finally:
            request.stream = body
        return _followed(response, answer or question.record(playing), streams)

    return handle_async_request


class _Streams:
    """The streams that stand in for httpx's own; they are of the class that it asks for."""

    def __init__(self, base: Any, sent: type, received: type, replayed: type) -> None:
        self.sent, self.received, self.replayed = (
            type(kind.__name__, (kind, base), {}) for kind in (sent, received, replayed)
        )


class _Again:
    """A request's body, kept where it may have to be sent after it was read for the tape."""

    def __init__(self, httpx: Any, request: Any, playing: Tape) -> None:
        self._httpx, self._request, self._stream = httpx, request, request.stream
        self._keeps = playing.passes_through
        self._pieces: list[bytes] = []

    def keep(self, piece: bytes) -> None:
        if self._keeps:
            self._pieces.append(piece)

    def __enter__(self) -> None:
        if self._pieces:
            self._request.stream = self._httpx.ByteStream(b"".join(self._pieces))

    def __exit__(self, *_: object) -> None:
        self._request.stream = self._stream


class _Sent:
    """A request's body on its way to the server."""

    def __init__(self, stream: Any, question: Question) -> None:
        self.stream, self.question = stream, question

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.stream:
            self.question.body(piece)
            yield piece


class _Received:
    """An answer's body on its way to the program."""

    def __init__(self, stream: Any, answer: Answer) -> None:
        self.stream, self.answer = stream, answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self.stream:
                self.answer.write(piece)
                yield piece
        except Exception as error:
            self.answer.failed(error)
            raise
        self.answer.whole()

    def close(self) -> None:
        self.answer.part()
        self.stream.close()


class _Replayed:
    """An answer's body from the tape."""

    def __init__(self, kept: Kept, raised: Callable[[Exception], Exception]) -> None:
        self.pieces, self.raised = kept.pieces(), raised

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.pieces
        except Unrecorded as error:
            raise self.raised(error) from error

    def close(self) -> None:
        self.pieces.close()


class _AsyncSent(_Sent):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.stream:
            self.question.body(piece)
            yield piece


class _AsyncReceived(_Received):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.stream:
                self.answer.write(piece)
                yield piece
        except (Exception, asyncio.CancelledError) as error:
            self.answer.failed(cut_off(error))
            raise
        self.answer.whole()

    async def aclose(self) -> None:
        self.answer.part()
        await self.stream.aclose()


class _AsyncReplayed(_Replayed):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    async def aclose(self) -> None:
        self.close()


def _tape_for(request: Any) -> Tape | None:
    url = request.url
    own = is_own(url.host, url.port or _PORTS.get(url.scheme, 0))
    return None if own else tape()


def _question(request: Any) -> Question:
    headers = [
        (name.decode("latin-1"), text.decode("latin-1")) for name, text in request.headers.raw
    ]
    question = Question("httpx", request.method, str(request.url), headers)
    if _in_memory(request):
        question.body(request.content)
    return question


def _in_memory(request: Any) -> bool:
    return hasattr(request, "_content")


def _followed(response: Any, answer: Answer, streams: _Streams) -> Any:
    """Write down the head of a response now, and its body as it is read."""
    try:
        extensions = response.extensions
        version = extensions.get("http_version", b"HTTP/1.1").decode().partition("/")[2]
        reason = extensions.get("reason_phrase", b"").decode("latin-1")
        pairs = [
            (name.decode("latin-1"), text.decode("latin-1")) for name, text in response.headers.raw
        ]
        answer.head(version, response.status_code, reason, pairs)
        if not answer.ended:
            response.stream = streams.received(response.stream, answer)
    except Exception as error:
        answer.lost(f"The answer could not be followed: {error}.")
    return response


def _replayed(
    httpx: Any, request: Any, question: Question, playing: Tape, streams: _Streams
) -> Any:
    def raised(error: Exception) -> Exception:
        failure: Exception = httpx.ConnectError(str(error), request=request)
        return failure

    try:
        kept = question.replay(playing)
    except Unrecorded as error:
        raise raised(error) from error
    if kept is None:
        return None
    kept.begun()
    extensions = {"http_version": f"HTTP/{kept.version}".encode()}
    if kept.reason:
        extensions["reason_phrase"] = kept.reason.encode("latin-1")
    return httpx.Response(
        status_code=kept.status,
        headers=[(name.encode("latin-1"), text.encode("latin-1")) for name, text in kept.headers],
        stream=streams.replayed(kept, raised),
        extensions=extensions,
    )
