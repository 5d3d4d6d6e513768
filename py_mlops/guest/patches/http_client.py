"""Records and replays ``http.client``, and with it urllib, requests, urllib3 and botocore."""

from __future__ import annotations

import functools
import io
import itertools
import ssl
import threading
import weakref
from typing import Any, Callable, Iterator

from .http_answer import VERSIONS, Answer, Question
from .http_errors import has
from .http_socket import Offline, Tee
from .layers import is_inside
from .loopback import is_own
from .tape import Unrecorded, tape

_EXCHANGE = "_mlops_exchange"
_TAPED = "_mlops_taped"
_PASSED = "_mlops_passed"
_BLOCK = 8192
_MOST_HEAD = 1 << 20
_HTTPS = 443


def patch(module: Any) -> None:
    """Patch ``http.client``: what a connection sends, and where its answer is read."""
    kind = module.HTTPConnection
    for name in ("__init__", "putrequest", "send", "getresponse"):
        setattr(kind, name, _WRAPPERS[name](getattr(kind, name)))


def patch_retries(module: Any) -> None:
    """Patch ``urllib3.util.retry``: what is not on the tape is not there at the next try either."""
    original = module.Retry.increment

    @functools.wraps(original)
    def increment(self: Any, *arguments: Any, **options: Any) -> Any:
        missing = has(options.get("error"), Unrecorded)
        if missing is not None:
            raise missing
        return original(self, *arguments, **options)

    module.Retry.increment = increment


PATCHES: dict[str, Callable[[Any], None]] = {
    "http.client": patch,
    "urllib3.util.retry": patch_retries,
}


class _Exchange:
    """A request as it goes over a connection, piece by piece."""

    def __init__(self, method: str, url: str) -> None:
        self._method, self._url = method, url
        self._head = b""
        self._question: Question | None = None

    def feed(self, data: Any) -> None:
        if self._question is not None:
            self._question.body(data)
        elif len(self._head) < _MOST_HEAD:
            self._head += bytes(data)
            head, end, body = self._head.partition(b"\r\n\r\n")
            if end:
                self._question = Question("http.client", self._method, self._url, _pairs(head))
                self._question.body(body)

    def question(self) -> Question:
        return self._question or Question("http.client", self._method, self._url, [])

    @property
    def awaits_word(self) -> bool:
        return b"100-continue" in self._head.lower()


class _Connects:
    """How often each host was connected to, so that a failure comes at the same turn again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Iterator[int]] = {}

    def next(self, origin: str) -> Question:
        with self._lock:
            turn = next(self._counts.setdefault(origin, itertools.count()))
        question = Question("http.client", "CONNECT", origin, [])
        question.body(str(turn))
        return question


_connects = _Connects()


def _initialising(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        connection = weakref.ref(self)
        # On the object, where it comes before what subclasses of every library define.
        self.connect = lambda: _connect(connection())

    return initialise


def _connect(connection: Any) -> None:
    connect = functools.partial(type(connection).connect, connection)
    playing = tape()
    setattr(connection, _TAPED, False)
    if playing is None or is_own(connection.host, connection.port):
        connect()
        return
    turn = _connects.next(_origin(connection))
    if playing.mode == "replay":
        if turn.is_on(playing):  # as a failure; what went well is no question
            failed = turn.replay(playing)
            if failed is not None:
                raise failed.error(connection)
        connection.sock = Offline(keeps=playing.passes_through)
        if hasattr(connection, "is_verified"):  # urllib3 warns of those that are not
            required = getattr(connection, "cert_reqs", None)
            connection.is_verified = required in (ssl.CERT_REQUIRED, "CERT_REQUIRED", "REQUIRED")
        return
    # Set before: a tunnel through a proxy is negotiated while it connects.
    exchange = connection.__dict__.pop(_EXCHANGE, None)
    try:
        connect()
    except Exception as error:
        if not is_inside():
            turn.record(playing).failed(error)
        raise
    finally:
        if exchange is not None:
            setattr(connection, _EXCHANGE, exchange)
    setattr(connection, _TAPED, True)


def _pass_through(connection: Any) -> None:
    """Connect to the server after all, and send it the request."""
    offline = connection.sock
    data, patience = offline.sent(), offline.gettimeout()
    offline.close()
    connection.sock = None
    type(connection).connect(connection)
    if patience is not None:  # set since it seemed to be connected
        connection.sock.settimeout(patience)
    connection.sock.sendall(data)
    setattr(connection, _PASSED, True)


def _putting(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def putrequest(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
        self.__dict__.pop(_EXCHANGE, None)
        if self.__dict__.pop(_PASSED, False) and self.sock is not None:
            self.sock.close()  # the next request is the tape's again
            self.sock = None
        original(self, method, url, *arguments, **options)
        # Through a proxy a request names its host itself.
        target = str(url or "/")
        whole = target.startswith(("http://", "https://"))
        setattr(self, _EXCHANGE, _Exchange(method, target if whole else _origin(self) + target))

    return putrequest


def _sending(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def send(self: Any, data: Any) -> None:
        exchange = self.__dict__.get(_EXCHANGE)
        if exchange is None or tape() is None:
            original(self, data)
            return
        if self.sock is None and self.auto_open:
            self.connect()
        for piece in _pieces(data):
            exchange.feed(piece)
            if not isinstance(self.sock, Offline):
                original(self, piece)
                continue
            self.sock.sendall(piece)
            if exchange.awaits_word:
                self.sock.invite()

    return send


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def getresponse(self: Any) -> Any:
        # With no other argument: urllib3 1 tries one first, and wants a TypeError for it.
        exchange = self.__dict__.pop(_EXCHANGE, None)
        playing = tape()
        offline = isinstance(self.sock, Offline)
        if not offline and (playing is None or exchange is None or not self.__dict__.get(_TAPED)):
            return original(self)
        if playing is None or exchange is None:
            raise Unrecorded("This answer was asked for without a request, or by work of ours.")
        if offline:
            kept = exchange.question().replay(playing)
            if kept is None:
                _pass_through(self)
            else:
                self.sock.sent()
                self.sock.answer(kept.begun(self))
            return original(self)
        if is_inside():  # a database's driver that speaks HTTP, whose rows are recorded
            return original(self)
        answer = exchange.question().record(playing)
        try:
            response = original(self)
        except Exception as error:
            answer.failed(error)
            raise
        _follow(response, answer)
        return response

    return getresponse


def _follow(response: Any, answer: Answer) -> None:
    """Write down the head of a response now, and its body as it is read."""
    try:
        version = VERSIONS.get(response.version, "1.1")
        answer.head(version, response.status, response.reason, response.headers.items())
        if response.fp is None or response.length == 0:
            answer.whole()
        elif not answer.ended:
            response.fp = Tee(response.fp, answer, response.length, response.chunked)
    except Exception as error:
        answer.lost(f"The answer could not be followed: {error}.")


def _origin(connection: Any) -> str:
    scheme = "https" if connection.default_port == _HTTPS else "http"
    tunnel = getattr(connection, "_tunnel_host", None)
    host = tunnel or connection.host
    port = getattr(connection, "_tunnel_port", None) if tunnel else connection.port
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    standard = port in (None, connection.default_port)
    return f"{scheme}://{host}" if standard else f"{scheme}://{host}:{port}"


def _pieces(data: Any) -> Iterator[Any]:
    """Yield what ``send`` would send, in its order: of buffers, files and iterables."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        yield data
    elif hasattr(data, "read"):
        is_text = isinstance(data, io.TextIOBase)
        while True:
            piece = data.read(_BLOCK)
            if not piece:
                return
            yield piece.encode("iso-8859-1") if is_text else piece
    elif hasattr(data, "__iter__") and not isinstance(data, str) and not _is_buffer(data):
        yield from data
    else:
        yield data


def _is_buffer(data: Any) -> bool:
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


def _pairs(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


_WRAPPERS: dict[str, Callable[..., Any]] = {
    "__init__": _initialising,
    "putrequest": _putting,
    "send": _sending,
    "getresponse": _getting,
}
