"""Values out of a database as JSON that gives back the same values of the same types."""

from __future__ import annotations

import datetime as dt
import decimal
import importlib
import ipaddress
import json
import math
import sys
import uuid
from typing import Any, Callable, Iterable, Sequence

_PLAIN = {str, bool, int, type(None)}
_PLAIN_OR_FLOAT = {*_PLAIN, float}
_WIDE = 1 << 63
_RANGES = {
    ("psycopg.types.range", "Range"),
    ("psycopg2._range", "NumericRange"),
    ("psycopg2._range", "DateRange"),
    ("psycopg2._range", "DateTimeRange"),
    ("psycopg2._range", "DateTimeTZRange"),
}


class Unknown(TypeError):  # noqa: N818 - the name is what happened
    """A value is of a type that JSON cannot carry without a loss."""


def dumps(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as one line of JSON.

    Raises:
        Unknown: When a value is of a type we do not know; it names the type.
    """
    return json.dumps([_row(row) for row in rows], allow_nan=False, separators=(",", ":"))


def load(batch: list[list[Any]]) -> list[tuple[Any, ...]]:
    """Return rows from their parsed JSON.

    Raises:
        ValueError: When it is no such JSON.
    """
    try:
        return [tuple(decode(value) for value in row) for row in batch]
    except (ArithmeticError, AttributeError, ImportError, KeyError, TypeError) as error:
        raise ValueError(f"no rows: {error}") from error


def encode(value: Any) -> Any:
    """Return a value as JSON; whatever JSON has no type for is ``{"type": ...}``.

    Raises:
        Unknown: When it is of a type we do not know; it names the type.
    """
    kind = type(value)
    if kind in _PLAIN:
        wide = kind is int and not -_WIDE <= value < _WIDE
        return {"int": hex(value)} if wide else value
    if kind is float:
        return value if math.isfinite(value) else {"float": value.hex()}
    encoder = _ENCODERS.get(kind)
    if encoder is not None:
        name, convert = encoder
        return {name: convert(value)}
    place = (kind.__module__, kind.__qualname__)
    if place in _RANGES:
        ends = [encode(value.lower), encode(value.upper)]
        return {"range": [*place, *ends, "empty" if value.isempty else value._bounds]}  # noqa: SLF001 - there is no other way to both ends at once
    return _asyncpg(value, place) or _numpy(value)


def decode(value: Any) -> Any:
    """Return the value that `encode` was given.

    Raises:
        ValueError: When a type's name is none of ours. What else can go wrong
            with JSON that `encode` did not write comes as it is.
    """
    if type(value) is not dict:
        return value
    ((name, inner),) = value.items()
    if name not in _DECODERS:
        raise ValueError(f"no type of value: {name}")
    return _DECODERS[name](inner)


UNKNOWN = {"unknown": True}
"""What stands for a value that JSON cannot carry, where that is no matter."""


def encode_loosely(value: Any, otherwise: Callable[[Any], Any] | None = None) -> Any:
    """Return a value as `encode` does, or `UNKNOWN`.

    Args:
        value: Any.
        otherwise: Makes something of a value that JSON cannot carry.
    """
    try:
        return encode(value)
    except Unknown:
        return otherwise(value) if otherwise else UNKNOWN


def decode_loosely(value: Any) -> Any:
    """Return the value that `encode_loosely` was given, ``None`` for what it could not carry."""
    return None if value == UNKNOWN else decode(value)


def _row(row: Sequence[Any]) -> list[Any]:
    values = tuple(row)
    if {*map(type, values)} <= _PLAIN_OR_FLOAT:
        return [value if type(value) is str else encode(value) for value in values]
    return [encode(value) for value in values]


def _asyncpg(value: Any, place: tuple[str, str]) -> Any:
    if place == ("asyncpg.pgproto.pgproto", "UUID"):
        return {"asyncpg.UUID": value.hex}
    if place == ("asyncpg.types", "Range"):
        return {"asyncpg.Range": [encode(value.lower), encode(value.upper), _bounds(value)]}
    return None


def _numpy(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    # Unlike a void, these are their own bytes and nothing more.
    if numpy is not None and isinstance(value, (numpy.number, numpy.bool_)):
        return {"numpy": [value.dtype.str, value.tobytes().hex()]}
    if numpy is not None and type(value) is numpy.ndarray and value.dtype.kind in "biufcmM":
        return {"ndarray": [value.dtype.str, list(value.shape), value.tobytes().hex()]}
    kind = type(value)
    raise Unknown(f"A value is of type {kind.__module__}.{kind.__qualname__}.")


def _from_numpy(inner: list[str]) -> Any:
    numpy = importlib.import_module("numpy")
    return numpy.frombuffer(bytes.fromhex(inner[1]), numpy.dtype(inner[0]))[0]


def _from_array(inner: list[Any]) -> Any:
    numpy = importlib.import_module("numpy")
    kind, shape, data = inner
    return numpy.frombuffer(bytes.fromhex(data), numpy.dtype(kind)).reshape(shape).copy()


def _bounds(value: Any) -> str:
    if value.isempty:
        return "empty"
    return ("[" if value.lower_inc else "(") + ("]" if value.upper_inc else ")")


def _to_range(inner: list[Any]) -> Any:
    module, name, lower, upper, bounds = inner
    if (module, name) not in _RANGES:
        raise ValueError(f"no range: {name}")
    kind = getattr(importlib.import_module(module), name)
    if bounds == "empty":
        return kind(empty=True)
    return kind(decode(lower), decode(upper), bounds)


def _to_asyncpg(inner: list[Any]) -> Any:
    kind = importlib.import_module("asyncpg.types").Range
    lower, upper, bounds = inner
    if bounds == "empty":
        return kind(empty=True)
    ends = {"lower_inc": bounds[0] == "[", "upper_inc": bounds[1] == "]"}
    return kind(decode(lower), decode(upper), **ends)


def _zone(zone: Any) -> Any:
    if zone is None:
        return None
    place = (type(zone).__module__.split(".")[0], type(zone).__name__)
    if type(zone) is dt.timezone:
        return ["fixed", zone.utcoffset(None).total_seconds()]
    if place in (("zoneinfo", "ZoneInfo"), ("backports", "ZoneInfo")) and zone.key:
        return ["zone", zone.key]
    if place == ("psycopg2", "FixedOffsetTimezone"):
        return ["psycopg2", zone.utcoffset(None).total_seconds()]
    raise Unknown(f"A time zone is of type {type(zone).__module__}.{type(zone).__qualname__}.")


def _to_zone(inner: Any) -> Any:
    if inner is None:
        return None
    name, value = inner
    if name == "fixed":
        return dt.timezone(dt.timedelta(seconds=value)) if value else dt.timezone.utc
    if name == "zone":
        package = "zoneinfo" if sys.version_info >= (3, 9) else "backports.zoneinfo"
        return importlib.import_module(package).ZoneInfo(value)
    return importlib.import_module("psycopg2.tz").FixedOffsetTimezone(dt.timedelta(seconds=value))


def _datetime(value: dt.datetime) -> Any:
    return [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo), value.fold]


def _time(value: dt.time) -> Any:
    return [value.replace(tzinfo=None).isoformat(), _zone(value.tzinfo), value.fold]


def _to_datetime(inner: list[Any]) -> dt.datetime:
    naive = dt.datetime.fromisoformat(inner[0])
    return naive.replace(tzinfo=_to_zone(inner[1]), fold=inner[2])


def _to_time(inner: list[Any]) -> dt.time:
    return dt.time.fromisoformat(inner[0]).replace(tzinfo=_to_zone(inner[1]), fold=inner[2])


def _items(value: Iterable[Any]) -> list[Any]:
    return [encode(item) for item in value]


def _pairs(value: dict[Any, Any]) -> list[Any]:
    return [[encode(key), encode(item)] for key, item in value.items()]


_ENCODERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", bytes.hex),
    bytearray: ("bytearray", bytes.hex),
    memoryview: ("memoryview", lambda value: bytes(value).hex()),
    decimal.Decimal: ("decimal", str),
    dt.date: ("date", dt.date.isoformat),
    dt.datetime: ("datetime", _datetime),
    dt.time: ("time", _time),
    dt.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    uuid.UUID: ("uuid", lambda value: value.hex),
    list: ("list", _items),
    tuple: ("tuple", _items),
    set: ("set", lambda value: sorted(_items(value), key=repr)),
    dict: ("dict", _pairs),
    complex: ("complex", lambda value: [value.real.hex(), value.imag.hex()]),
    **{
        kind: ("address", lambda value: [type(value).__name__, str(value)])
        for kind in (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
        )
    },
}
_ADDRESSES = {kind.__name__: kind for kind, (name, _) in _ENCODERS.items() if name == "address"}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda inner: int(inner, 16),
    "float": float.fromhex,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "memoryview": lambda inner: memoryview(bytes.fromhex(inner)),
    "decimal": decimal.Decimal,
    "date": dt.date.fromisoformat,
    "datetime": _to_datetime,
    "time": _to_time,
    "timedelta": lambda inner: dt.timedelta(*inner),
    "uuid": lambda inner: uuid.UUID(hex=inner),
    "list": lambda inner: [decode(item) for item in inner],
    "tuple": lambda inner: tuple(decode(item) for item in inner),
    "set": lambda inner: {decode(item) for item in inner},
    "dict": lambda inner: {decode(key): decode(item) for key, item in inner},
    "complex": lambda inner: complex(*map(float.fromhex, inner)),
    "address": lambda inner: _ADDRESSES[inner[0]](inner[1]),
    "range": _to_range,
    "asyncpg.Range": _to_asyncpg,
    "asyncpg.UUID": lambda inner: importlib.import_module("asyncpg.pgproto.pgproto").UUID(inner),
    "numpy": _from_numpy,
    "ndarray": _from_array,
}
