"""docs/format.md lists every field that is ever written, with its type and its meaning."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from py_mlops import records
from py_mlops.records import base, handover

TEXT = (Path(__file__).parent.parent / "docs" / "format.md").read_text()
PLAIN: dict[object, str] = {
    base.Digest: "digest",
    base.Time: "time",
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    object: "any value",
    type(None): "null",
}
ROW = re.compile(r"^\| `([\w-]+\.\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


def name_of(struct: type[msgspec.Struct]) -> str:
    """Return a struct's name in the document: its kind, or its class name in kebab case."""
    tag = struct.__struct_config__.tag
    return str(tag) if tag else re.sub(r"(?<=[a-z])(?=[A-Z])", "-", struct.__name__).lower()


def described(kind: object) -> str:
    """Return a field's type in the words of the document."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    words: dict[object, Callable[[], str]] = {
        typing.Annotated: lambda: described(arguments[0]),
        typing.Literal: lambda: ", ".join(f"`{item}`" for item in arguments),
        types.UnionType: lambda: f"{described(arguments[0])} or null",
        typing.Union: lambda: f"{described(arguments[0])} or null",
        list: lambda: f"list of {described(arguments[0])}",
        dict: lambda: f"map of {described(arguments[1])}",
        tuple: lambda: f"[{', '.join(map(described, arguments))}]",
    }
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return name_of(kind)
    return words[origin]()


def structs(kind: object, found: set[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Collect every struct that a type reaches."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
        found.add(kind)
        for field in typing.get_type_hints(kind, include_extras=True).values():
            structs(field, found)
    for argument in typing.get_args(kind):
        structs(argument, found)
    return found


def fields_in_code() -> dict[str, str]:
    """Return every field that is ever written, with its type as the document says it."""
    rows = {}
    for struct in structs(records.AnyRecord, set()) | structs(handover.Handover, set()):
        name, hints = name_of(struct), typing.get_type_hints(struct, include_extras=True)
        if struct.__struct_config__.tag:
            rows[f"{name}.kind"] = f"`{name}`"
        for field in msgspec.structs.fields(struct):
            rows[f"{name}.{field.name}"] = described(hints[field.name])
    return rows


def test_every_field_is_documented() -> None:
    """docs/format.md lists every field of records and handover, with its type, and no other."""
    written = {name: kind for name, kind, _ in ROW.findall(TEXT)}
    code = fields_in_code()
    wrong = [
        f"| `{name}` | {kind} | … |" for name, kind in code.items() if written.get(name) != kind
    ]
    assert wrong == [], "docs/format.md lacks:\n" + "\n".join(wrong)
    assert sorted(set(written) - set(code)) == []


def test_every_field_has_a_meaning() -> None:
    """No field is listed without a sentence, and none twice."""
    rows = ROW.findall(TEXT)
    assert [name for name, _, meaning in rows if not meaning.endswith(".")] == []
    assert len(rows) == len({name for name, _, _ in rows})


def test_format_number() -> None:
    """The document is about the format number that the code writes."""
    assert f"format number **{base.FORMAT}**" in TEXT


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1])
def test_what_canonical_json_refuses(value: float) -> None:
    """Values that JSON numbers cannot carry unharmed are refused, as the document says."""
    with pytest.raises(ValueError, match=r"."):
        base.canonical({"value": value})
