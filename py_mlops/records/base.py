"""How every record is written, named and read back: canonical JSON, sha256, strict decoding."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, TypeVar

import msgspec
import rfc8785

from py_mlops.errors import Corrupt

T = TypeVar("T")

FORMAT = 1
"""The number every record carries; `docs/format.md` says how to bump it."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
"""A digest that names its algorithm, e.g. ``sha256:9f86d0…``."""

Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")]
"""A moment in UTC, RFC 3339 with microseconds."""

_SAFE = 2**53 - 1
"""The largest integer up to which every one has a float of its own."""

_LARGEST = 10**21
"""From here on RFC 8785 writes floats with an exponent."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of a record: immutable, compared by value, strict when read."""


class Record(Part, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Something the store keeps under the sha256 of its canonical JSON.

    Attributes:
        format: The format number the record was written with.
    """

    format: int = FORMAT


class Blob(Part, frozen=True):
    """Some bytes in the store.

    Attributes:
        digest: Their sha256.
        size: Their length in bytes.
    """

    digest: Digest
    size: Annotated[int, msgspec.Meta(ge=0)]


def canonical(value: object) -> bytes:
    """Return the canonical JSON (RFC 8785) of a record, part or plain value.

    Args:
        value: A record, a part, or plain JSON values.

    Returns:
        UTF-8 bytes; equal values give equal bytes on every machine.

    Raises:
        ValueError: For NaN, infinities, half surrogate pairs, and integers
            beyond 2**53 that JSON numbers cannot carry unharmed.
    """
    plain = msgspec.to_builtins(value)
    try:
        return rfc8785.dumps(plain)
    except rfc8785.IntegerDomainError:
        return rfc8785.dumps(_with_doubles(plain))


def _with_doubles(value: Any) -> Any:
    """Return a value whose large integers are floats, where these are written the same.

    The float 1e16 is written ``10000000000000000`` and comes back as an integer.
    """
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_doubles(item) for item in value]
    if isinstance(value, int) and _SAFE < abs(value) < _LARGEST:
        number = float(value)
        return number if rfc8785.dumps(number) == str(value).encode() else value
    return value


def digest_of(data: bytes) -> str:
    """Return the digest of some bytes, with its algorithm's name."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def record_id(record: Record) -> str:
    """Return a record's id: the digest of its canonical JSON."""
    return digest_of(canonical(record))


def is_digest(text: object) -> bool:
    """Say whether a value is a whole digest."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def decode_as(data: bytes, kind: type[T]) -> T:
    """Decode canonical JSON strictly.

    Args:
        data: Bytes as they lie in a store or bundle; hostile until they pass.
        kind: The record type, or a union of record types.

    Returns:
        The record.

    Raises:
        Corrupt: When the bytes are not the canonical JSON of such a record:
            truncated, another format number, unknown or missing fields, wrong
            types, duplicate keys, another order of keys.
    """
    try:
        record = msgspec.json.decode(data, type=kind)
        if canonical(record) != data:
            why = "it is not in canonical form"
        elif getattr(record, "format", FORMAT) != FORMAT:
            why = f"its format number is not {FORMAT}"
        else:
            return record
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        why = str(error)
    raise Corrupt(
        f"These bytes are not a record this version can read: {why}.",
        hint="Run `mlops verify` to see what else is damaged, and restore the "
        "object from a backup or from the bundle it came with.",
    )
