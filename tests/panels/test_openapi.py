"""The OpenAPI document is valid, is what the routes are, and is served as it is shipped."""

from __future__ import annotations

import requests
from openapi_spec_validator import validate

from py_mlops.server import openapi
from py_mlops.server.events import CHANGED
from py_mlops.server.routes import ROUTES
from tests.panels.conftest import DOCUMENT, SECONDS, SIGNED_IN, Panels


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1."""
    validate(DOCUMENT)


def test_the_document_is_of_these_routes() -> None:
    """Whoever changes a route writes the document anew: python -m py_mlops.server.write_openapi."""
    assert openapi.packaged().decode() == openapi.text(ROUTES, CHANGED)


def test_everything_in_it_is_described() -> None:
    """Every operation, every shape and every property has words of its own."""
    silent = [
        f"{path} {verb}"
        for path, verbs in DOCUMENT["paths"].items()
        for verb, operation in verbs.items()
        if not operation["summary"] or not all(
            one.get("description") for one in operation.get("parameters", ())
        )
    ]  # fmt: skip
    for name, schema in DOCUMENT["components"]["schemas"].items():
        silent += [name] * (not schema["description"])
        silent += [
            f"{name}.{key}"
            for key, value in schema.get("properties", {}).items()
            if key not in {"kind", "format"} and not value.get("description")
        ]
    assert silent == []


def test_it_is_served(panels: Panels) -> None:
    """A client asks the server for it."""
    answer = requests.get(panels.url + "/openapi.yaml", headers=SIGNED_IN, timeout=SECONDS)
    assert answer.status_code == 200
    assert answer.content == openapi.packaged()
    assert answer.headers["Content-Type"] == "application/yaml"
