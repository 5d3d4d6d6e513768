"""Writes the OpenAPI document of the REST interface from its routes, so that neither can drift."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import msgspec
import yaml

from py_mlops.server.contract import BASE, Content, Nothing, Route
from py_mlops.server.problems import CODES, Problem

FILE = "openapi.yaml"
_REF = "#/components/schemas/{name}"
_DESCRIPTION = (
    "What the panels in JupyterLab ask of py-mlops. A list is a page: ask again with "
    "`cursor` set to the page's `next`. What takes long is a job: `202` and its id; an event "
    "of jupyter_events (`{schema}`) says what to ask for again. "
    "A record is named by its digest only."
)

Json = dict[str, Any]


def document(routes: Sequence[Route], event_schema: str) -> Json:
    """Return the OpenAPI 3.1 document of some routes.

    Args:
        routes: The routes.
        event_schema: The id of the events' schema.
    """
    shapes = {route.answers for route in routes if route.answers is not Content}
    shapes |= {route.asks for route in routes if route.verb == "POST"} | {Problem}
    ordered = sorted(shapes - {Nothing}, key=lambda shape: shape.__name__)
    schemas = _schemas(ordered)
    paths: Json = {}
    for route in routes:
        path = re.sub(r"\+\}", "}", route.path)
        paths.setdefault(path, {})[route.verb.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "py-mlops",
            "version": "1",
            "description": _DESCRIPTION.replace("{schema}", event_schema),
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": BASE, "description": "Below the Jupyter server's base address."}],
        "security": [{"token": []}, {"cookie": [], "xsrf": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization",
                          "description": "`token …` of the Jupyter server."},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "username",
                           "description": "The login cookie of the Jupyter server; its name "
                           "begins so."},
                "xsrf": {"type": "apiKey", "in": "header", "name": "X-XSRFToken",
                         "description": "The value of the cookie `_xsrf`, for POST and DELETE."},
            },
        },
    }  # fmt: skip


def text(routes: Sequence[Route], event_schema: str) -> str:
    """Return the document as YAML; equal routes give equal text."""
    made: str = yaml.safe_dump(
        document(routes, event_schema), sort_keys=False, allow_unicode=True, width=100
    )
    return made


def packaged() -> bytes:
    """Return the document as it is shipped."""
    return resources.files("py_mlops.server").joinpath(FILE).read_bytes()


def _operation(route: Route) -> Json:
    summary = (route.work.__doc__ or "").strip()
    asked = _fields(route.asks) if route.asks is not Nothing else {}
    in_path = route.in_path
    parameters = [
        {"name": name, "in": "path", "required": True, **_described(asked[name])}
        for name in in_path
    ]
    operation: Json = {
        "operationId": route.name,
        "summary": " ".join(summary.partition("\n\n")[0].split()).rstrip("."),
        "x-action": route.action,
    }
    if rest := " ".join(summary.partition("\n\n")[2].partition("Args:")[0].split()):
        operation["description"] = rest
    if route.verb == "POST":
        body = {"$ref": _REF.format(name=route.asks.__name__)}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
        }
    else:
        required = set(_required(route.asks))
        parameters += [
            {"name": name, "in": "query", "required": name in required, **_described(schema)}
            for name, schema in asked.items()
            if name not in in_path
        ]
    if parameters:
        operation["parameters"] = parameters
    operation["responses"] = {
        str(route.status): {"description": "As asked.", "content": _content(route)},
        "default": {
            "description": "What went wrong: " + ", ".join(sorted(set(CODES))) + ".",
            "content": {
                "application/json": {"schema": {"$ref": _REF.format(name=Problem.__name__)}}
            },
        },
    }
    return operation


def _content(route: Route) -> Json:
    if route.answers is Content:
        return {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=route.answers.__name__)}}}


def _described(schema: Json) -> Json:
    plain = {key: value for key, value in schema.items() if key != "description"}
    found = {"description": schema["description"]} if "description" in schema else {}
    return {**found, "schema": plain}


def _fields(shape: type[msgspec.Struct]) -> dict[str, Json]:
    found: dict[str, Json] = _schemas([shape])[shape.__name__].get("properties", {})
    return found


def _required(shape: type[msgspec.Struct]) -> list[str]:
    found: list[str] = _schemas([shape])[shape.__name__].get("required", [])
    return found


def _schemas(shapes: Sequence[type[msgspec.Struct]]) -> Json:
    _, components = msgspec.json.schema_components(shapes, schema_hook=_anything, ref_template=_REF)
    documented = {shape.__name__: shape for shape in _reached(shapes)}
    for name, schema in components.items():
        _tell(schema, documented.get(name))
    plain: Json = _portable(components)
    return dict(sorted(plain.items()))


def _anything(kind: type) -> Json:
    """Return the schema of a value that may be anything."""
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


def _reached(shapes: Sequence[type[msgspec.Struct]]) -> Iterator[type[msgspec.Struct]]:
    """Yield every struct that some shapes are made of."""
    waiting: list[Any] = [msgspec.inspect.type_info(shape) for shape in shapes]
    seen: set[type] = set()
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            yield info.cls
            waiting += [field.type for field in info.fields]
        for name in ("type", "item_type", "value_type", "key_type"):
            if inner := getattr(info, name, None):
                waiting.append(inner)
        waiting += [*getattr(info, "types", ()), *getattr(info, "item_types", ())]


def _tell(schema: Json, shape: type[msgspec.Struct] | None) -> None:
    """Give a schema the words of the class's docstring."""
    doc = (shape.__doc__ or "") if shape else ""
    said, _, rest = doc.partition("Attributes:\n")
    schema["description"] = " ".join(said.split())
    for name, words in _attributes(rest):
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = words


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"^ {8}(\w+): (.*(?:\n {9,}\S.*)*)", text, flags=re.MULTILINE):
        yield found[1], " ".join(found[2].split())


def _portable(value: Any) -> Any:
    r"""Return a schema whose patterns every dialect reads: Python's ``\Z`` is its ``$``."""
    if isinstance(value, dict):
        return {
            key: item.replace(r"\Z", "$") if key == "pattern" and isinstance(item, str)
            else _portable(item)
            for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_portable(item) for item in value]
    return value
