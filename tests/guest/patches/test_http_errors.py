from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl

import pytest
from urllib3.exceptions import NewConnectionError

from py_mlops.guest.patches import http_errors

CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
CERTIFICATE.verify_code = 18


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        socket.gaierror(-2, "Name or service not known"),
        TimeoutError("timed out"),
        http.client.IncompleteRead(b"abc", 7),
        http.client.RemoteDisconnected("Remote end closed connection"),
        CERTIFICATE,
    ],
)
def test_an_error_comes_back_as_it_was(error: Exception) -> None:
    """The same class, words and numbers, through JSON."""
    back = http_errors.decoded(json.loads(json.dumps(http_errors.encoded(error))))
    assert type(back) is type(error)
    assert (str(back), repr(back)) == (str(error), repr(error))
    assert getattr(back, "errno", None) == getattr(error, "errno", None)
    assert getattr(back, "verify_code", None) == getattr(error, "verify_code", None)


def test_an_error_that_named_its_connection_names_the_one_of_the_rerun() -> None:
    """Objects of a client are no JSON; what stands for them is put back."""
    connection, now = object(), object()
    error = NewConnectionError(connection, "no route")  # type: ignore[arg-type]  # any object does
    back = http_errors.decoded(http_errors.encoded(error), now)
    assert isinstance(back, NewConnectionError)
    assert back.conn is now
    assert "no route" in str(back)


@pytest.mark.parametrize(
    "hostile",
    [
        {"module": "subprocess", "class": "Popen", "args": ["true"], "attributes": {}},
        {"module": "builtins", "class": "SystemExit", "args": [], "attributes": {}},
        {"module": "builtins", "class": "exec", "args": ["1"], "attributes": {}},
        {"module": "httpx._nothing", "class": "X", "args": [], "attributes": {}},
        {"module": "builtins", "class": "OSError", "args": 5, "attributes": None},
        None, 3, "x", [],
    ],
)  # fmt: skip
def test_a_tampered_tape_makes_no_other_objects(hostile: object) -> None:
    """Whatever stands on the tape, an ordinary error comes out of it."""
    assert type(http_errors.decoded(hostile)) is OSError


def test_an_error_is_found_in_what_it_was_wrapped_into() -> None:
    """Libraries wrap errors as causes and as arguments, also in circles."""
    inner = ConnectionResetError("inner")
    outer = ValueError("wrapped", inner)
    inner.__context__ = outer
    assert http_errors.has(RuntimeError(outer), ConnectionResetError) is inner
    assert http_errors.has(outer, KeyError) is None
    assert http_errors.has(None, KeyError) is None


def test_a_cancelled_request_is_a_time_out() -> None:
    """The rerun is not cancelled: what it sees is that nothing came in time."""
    assert type(http_errors.cut_off(asyncio.CancelledError())) is asyncio.TimeoutError
    error = OSError()
    assert http_errors.cut_off(error) is error
