from __future__ import annotations

import hashlib
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_mlops.errors import Corrupt
from py_mlops.records import (
    Import,
    Snapshot,
    canonical,
    decode,
    decode_as,
    digest_of,
    encode,
    is_digest,
    record_id,
)
from tests.store.samples import imported

RECORD = imported(1)
BYTES = encode(RECORD)


def changed(**fields: object) -> bytes:
    """Return the record's canonical JSON with some fields replaced or added."""
    return canonical(json.loads(BYTES) | fields)


def test_a_record_is_named_by_the_sha256_of_its_canonical_json() -> None:
    """Whoever has the bytes can compute the name with `sha256sum`."""
    assert record_id(RECORD) == "sha256:" + hashlib.sha256(BYTES).hexdigest() == digest_of(BYTES)
    assert decode(BYTES) == decode_as(BYTES, Import) == RECORD


def test_canonical_json_is_that_of_the_standard() -> None:
    """Keys are sorted, nothing is spaced, numbers are written as ECMAScript does (RFC 8785)."""
    value = {"b": [1e21, 0.1, 1.0, -0.0], "a": "\u20ac\n", "é": None}
    expected = '{"a":"€\\n","b":[1e+21,0.1,1,0],"é":null}'
    assert canonical(value).decode() == expected


@pytest.mark.parametrize("value", [2.0**53, 1e16, -1e18, 2.0**60, 1e20, 123456789e12, 1e21, 1e300])
def test_a_large_number_comes_back_and_is_written_the_same_again(value: float) -> None:
    """What a record holds can always be read, also where JSON shows a float without a point."""
    written = canonical({"value": [value]})
    [back] = json.loads(written)["value"]
    assert float(back) == value
    assert canonical({"value": [back]}) == written


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53 + 1, 2**60, -(2**60), 10**21, 10**400, "\ud800"]
)
def test_what_json_cannot_carry_unharmed_is_refused(value: object) -> None:
    """Nothing is stored that another reader would read differently."""
    with pytest.raises(ValueError, match=r"\w"):
        canonical({"value": value})


@pytest.mark.parametrize("end", range(0, len(BYTES), 7))
def test_a_truncated_record_is_corrupt(end: int) -> None:
    """Wherever a file was cut, it is not taken for a record."""
    with pytest.raises(Corrupt) as caught:
        decode(BYTES[:end])
    assert "mlops verify" in caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b" " + BYTES, id="space before"),
        pytest.param(BYTES + b"\n", id="newline behind"),
        pytest.param(json.dumps(json.loads(BYTES)).encode(), id="spaced"),
        pytest.param(BYTES.replace(b'{"author"', b'{"kind":"import","author"', 1), id="key twice"),
        pytest.param(changed(format=2), id="format of the future"),
        pytest.param(changed(format=1.5), id="format no integer"),
        pytest.param(changed(surprise=1), id="unknown field"),
        pytest.param(changed(kind="reproach"), id="unknown kind"),
        pytest.param(changed(snapshot="sha256:12"), id="short digest"),
        pytest.param(changed(snapshot="sha256:" + "A" * 64), id="digest in capitals"),
        pytest.param(changed(snapshot="sha256:" + "0" * 64 + "\n"), id="digest with a newline"),
        pytest.param(changed(snapshot=None), id="null"),
        pytest.param(changed(created="yesterday"), id="no time"),
        pytest.param(changed(author={"name": "Ann"}), id="author without a source"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep object"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
    ],
)
def test_what_is_not_exactly_a_record_is_corrupt(data: bytes) -> None:
    """One value has one way of being written; anything else could hide something."""
    with pytest.raises(Corrupt):
        decode(data)


def test_a_record_of_another_kind_is_not_taken() -> None:
    """An import is no snapshot, however whole it is."""
    with pytest.raises(Corrupt):
        decode_as(BYTES, Snapshot)


@given(st.binary(max_size=400))
def test_any_bytes_either_decode_or_are_corrupt(data: bytes) -> None:
    """No bytes of anybody else bring the reader down."""
    with suppress(Corrupt):
        assert encode(decode(data)) == data


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_one_altered_byte_is_another_record_or_none(place: int, mask: int) -> None:
    """What still decodes has another name, so that no alteration goes by the old one."""
    altered = BYTES[:place] + bytes([BYTES[place] ^ mask]) + BYTES[place + 1 :]
    with suppress(Corrupt):
        assert record_id(decode(altered)) != record_id(RECORD)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("sha256:" + "0" * 64, True),
        ("sha256:" + "0" * 63, False),
        ("sha256:" + "g" * 64, False),
        ("md5:" + "0" * 64, False),
        ("sha256:" + "0" * 64 + "\n", False),
        (7, False),
        (None, False),
    ],
)
def test_a_digest_names_its_algorithm_and_is_whole(text: object, is_one: bool) -> None:
    """Anything else is no digest, whatever its type."""
    assert is_digest(text) is is_one
