from __future__ import annotations

import datetime as dt
import decimal
import ipaddress
import json
import math
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg2.extras
import psycopg2.tz
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.range import Range

from py_mlops.guest.patches import rows

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters()),
    st.binary(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC, ZoneInfo("Europe/Zurich")])),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.ip_addresses(),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
)


def back(value: Any) -> Any:
    """Return a value after the way through JSON."""
    ((result,),) = rows.load(json.loads(rows.dumps([(value,)])))
    assert type(result) is type(value)
    return result


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    """Every value comes back equal and of its own type, however deep it is."""
    assert back(value) == value
    assert repr(back(value)) == repr(value)


def test_special_numbers_come_back() -> None:
    """Not-a-number, infinities, the negative zero and huge integers are not lost."""
    assert math.isnan(back(math.nan))
    assert back(-math.inf) == -math.inf
    assert math.copysign(1, back(-0.0)) == -1
    assert back(10**5000) == 10**5000
    assert back(decimal.Decimal("1.500")).as_tuple() == decimal.Decimal("1.500").as_tuple()
    assert back(decimal.Decimal("NaN")).is_nan()


@pytest.mark.parametrize(
    "value",
    [
        Range(1, 5, "(]"),
        Range(empty=True),
        Range(None, dt.date(2024, 1, 1)),
        psycopg2.extras.NumericRange(1, 5),
        psycopg2.extras.DateRange(empty=True),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_interface("10.0.0.1/8"),
        {1, 2},
        3 + 4j,
        np.float32(1.5),
        np.datetime64("2024-01-01", "ns") - np.datetime64("2023-01-01", "ns"),
        uuid.UUID(int=5),
    ],
    ids=repr,
)
def test_other_types_come_back(value: Any) -> None:
    """Ranges, addresses, sets and numpy's scalars come back of their own type."""
    assert back(value) == value


@pytest.mark.parametrize("kind", ["<f4", ">i8", "|b1", "<c16", "<M8[ns]"])
def test_arrays_come_back(kind: str) -> None:
    """An array, as pgvector gives for a vector, is restored with its shape and type."""
    array = np.arange(6).astype(kind).reshape(2, 3)
    (((result,),),) = [rows.load(json.loads(rows.dumps([(array,)])))]
    assert (result.dtype, result.tolist()) == (array.dtype, array.tolist())
    result[0, 0] = result[0, 1]  # as the driver's, it is the program's own


def test_bytes_in_a_view_and_psycopg2s_zones_come_back() -> None:
    """What psycopg2 gives for bytea and for times with a zone is restored as such."""
    assert bytes(back(memoryview(b"\x00\xff"))) == b"\x00\xff"
    zoned = dt.datetime(
        2024, 1, 1, tzinfo=psycopg2.tz.FixedOffsetTimezone(dt.timedelta(minutes=90))
    )
    assert type(back(zoned).tzinfo) is psycopg2.tz.FixedOffsetTimezone
    assert back(zoned) == zoned


def test_an_unknown_type_is_named() -> None:
    """A value of any other type is refused with the name of its type."""
    with pytest.raises(rows.Unknown, match=r"fractions\.Fraction"):
        rows.dumps([(__import__("fractions").Fraction(1, 3),)])


@pytest.mark.parametrize(
    "text",
    [
        '[[{"os.system": "x"}]]',
        '[[{"range": ["os", "system", 1, 2, "[)"]}]]',
        '[[{"decimal": 1, "int": 2}]]',
        '[[{"date": "x"}]]',
        '[[{"ndarray": ["O", [1], "0000000000000000"]}]]',
        '[[{"ndarray": ["<f4", [9999999], "00000000"]}]]',
        '[[{"decimal": []}]]',
        "[3]",
    ],
)
def test_forged_rows_are_refused(text: str) -> None:
    """JSON that we did not write is a value error, and imports or calls nothing."""
    with pytest.raises(ValueError, match=r"."):
        rows.load(json.loads(text))
