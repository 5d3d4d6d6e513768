"""The ends of a connection that take the place of ``http.client``'s: one listens, one plays."""

from __future__ import annotations

import io
import socket
from typing import Any, Callable

from .http_answer import Answer, Kept

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Tee:
    """The stream of a response, which also writes down what is read from it.

    Read by read, because a body may have no end. It is whole when as many bytes
    were read as announced, or the last chunk's closing line, or the end.
    """

    def __init__(self, stream: Any, answer: Answer, length: int | None, chunked: bool) -> None:
        """Take a response's stream.

        Args:
            stream: The stream, behind the headers.
            answer: What is written.
            length: The announced bytes; ``None`` when there is no announcement.
            chunked: Whether it comes in chunks, each with its size before it.
        """
        self._stream, self._answer = stream, answer
        self._left, self._chunked = length, chunked
        self._last_chunk = False

    def __getattr__(self, name: str) -> Any:
        """Be the stream itself in everything else."""
        return getattr(self._stream, name)

    def read(self, size: int | None = -1) -> bytes:
        """Read as the stream does; fewer bytes than asked for are its end."""
        data: bytes = self._attempt(self._stream.read, size)
        asked_all = size is None or size < 0
        self._kept(data, at_end=asked_all or (size or 0) > len(data))
        return data

    def read1(self, size: int = -1) -> bytes:
        """Read as the stream does; no bytes are its end."""
        data: bytes = self._attempt(self._stream.read1, size)
        self._kept(data, at_end=bool(size) and not data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read as the stream does; fewer bytes than asked for are its end."""
        count: int = self._attempt(self._stream.readinto, buffer)
        view = memoryview(buffer).cast("B")
        self._kept(view[:count], at_end=count < len(view))
        return count

    def readline(self, limit: int = -1) -> bytes:
        """Read as the stream does: in a body of chunks, their sizes and what follows the last."""
        line: bytes = self._attempt(self._stream.readline, limit)
        if self._chunked and not self._last_chunk:
            # Only sizes and trailers are read as lines.
            self._last_chunk = line.partition(b";")[0].strip().strip(b"0") == b"" and b"0" in line
            self._kept(line, at_end=not line)
        else:
            self._kept(line, at_end=not line or (self._last_chunk and not line.strip()))
        return line

    def close(self) -> None:
        """Close the stream; what was not read by now is not wanted."""
        self._answer.part()
        self._stream.close()

    def _attempt(self, step: Callable[..., Any], argument: Any) -> Any:
        try:
            return step(argument)
        except Exception as error:
            self._answer.failed(error)
            raise

    def _kept(self, data: Any, *, at_end: bool) -> None:
        if self._answer.ended:
            return
        self._answer.write(data)
        if self._left is not None:
            self._left -= len(data)
            at_end = at_end or self._left <= 0
        if at_end:
            self._answer.whole()


class Offline(socket.socket):
    """A connection to nowhere, which looks alive and answers from the tape.

    What is sent is kept only where it may have to be sent to the server after all.

    It is one end of a real pair of sockets, because clients wait for it, set
    its time-out and ask whether it was dropped.
    """

    def __init__(self, *, keeps: bool) -> None:
        """Make a pair of sockets, and be one of them.

        Args:
            keeps: Whether it keeps what is sent.
        """
        ours, peer = socket.socketpair()
        super().__init__(ours.family, ours.type, fileno=ours.detach())
        self._peer = peer
        self._invited = False
        self._answer: io.BufferedReader | None = None
        self._sent: bytearray | None = bytearray() if keeps else None

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send nowhere."""
        del flags
        if self._sent is not None:
            self._sent += data

    def sent(self) -> bytes:
        """Return what was sent since it was asked last."""
        data = bytes(self._sent or b"")
        if self._sent is not None:
            self._sent.clear()
        return data

    def invite(self) -> None:
        """Say once that a body may follow, as a server does that was asked with ``Expect``."""
        if not self._invited:
            self._invited = True
            self._peer.send(b".")

    def answer(self, kept: Kept) -> None:
        """Let the next stream be this answer."""
        self._accepted()
        self._answer = kept.stream(kept.wire())

    def makefile(self, *_: Any, **__: Any) -> Any:
        """Return the answer's stream; before there is one, the word that a body may follow."""
        if self._answer is None:
            self._accepted()
            return io.BytesIO(_CONTINUE)
        answer, self._answer = self._answer, None
        return answer

    def _accepted(self) -> None:
        # What is left unread looks like a connection that the server has closed.
        if self._invited:
            self.recv(1)
            self._invited = False

    def close(self) -> None:
        """Close both sockets."""
        self._peer.close()
        super().close()
