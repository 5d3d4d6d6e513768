"""One Jupyter server with a store of two snapshots, asked as the panels in JupyterLab ask it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator

from py_mlops.server.contract import BASE, Content
from py_mlops.server.openapi import packaged
from py_mlops.server.routes import ROUTES
from py_mlops.workspace import open_workspace
from tests import handovers
from tests.jupyter import TOKEN, Server, jupyter_server

DOCUMENT = yaml.safe_load(packaged())
SIGNED_IN = {"Authorization": f"token {TOKEN}"}
SECONDS = 60


@dataclass
class Panels:
    """A server, its folders, and the snapshots in its store.

    Attributes:
        first: Id of the older snapshot.
        second: Id of the newer one; data and metrics differ.
        environment: What a process needs that works on the same store.
    """

    server: Server
    home: Path
    first: str
    second: str
    environment: dict[str, Any]

    @property
    def url(self) -> str:
        """Where the interface is."""
        return self.server.url + BASE

    def ask(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """Ask a route; its answer must have the shape that the OpenAPI document states."""
        answer = requests.get(
            self.url + path, params=parameters, headers=SIGNED_IN, timeout=SECONDS
        )
        return checked("GET", path, answer, status)

    def post(self, body: dict[str, Any], status: int = 202) -> Any:
        """Ask for a job."""
        answer = requests.post(self.url + "/jobs", json=body, headers=SIGNED_IN, timeout=SECONDS)
        return checked("POST", "/jobs", answer, status)

    def delete(self, path: str, status: int = 200) -> Any:
        """Cancel a job."""
        answer = requests.delete(self.url + path, headers=SIGNED_IN, timeout=SECONDS)
        return checked("DELETE", path, answer, status)


def checked(verb: str, path: str, answer: requests.Response, status: int) -> Any:
    """Return an answer's JSON after it was held against the document."""
    assert answer.status_code == status, answer.text
    name = "Problem"
    if status < 300:
        [route] = [
            one for one in ROUTES if one.verb == verb and _is_of(path, one.path)
        ]  # fmt: skip
        assert route.answers is not Content
        assert status == route.status
        name = route.answers.__name__
    value = json.loads(answer.content)
    whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    errors = [error.message for error in Draft202012Validator(whole).iter_errors(value)]
    assert errors == []
    return value


def _is_of(path: str, pattern: str) -> bool:
    here, there = path.split("/"), pattern.split("/")
    if there[-1].endswith("+}"):
        return here[: len(there) - 1] == there[:-1]
    pairs = zip(here, there, strict=False)
    same = all(two.startswith("{") or one == two for one, two in pairs)
    return same and len(here) == len(there)


@pytest.fixture(scope="session")
def panels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panels]:
    """The server; tests add to its store and take nothing away."""
    home = tmp_path_factory.mktemp("panels")
    (home / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_CACHE", str(home / "cache"))
        patch.setenv("HOME", str(home))
        patch.setenv("MLOPS_AUTHOR", "Ada Tester <ada@example.org>")
        workspace = open_workspace(home / "store")
        said = handovers.a_project(home / "work" / "project")
        first = handovers.take(workspace, home / "first", said, model=handovers.MODEL)
        flowers = home / "work" / "project" / "data" / "flowers.csv"
        flowers.write_text("5.1,3.5,0\n6.2,2.9,2\n" * 500)
        changed = {
            "files": [handovers.seen(flowers, requested="data/flowers.csv")],
            "metrics": {"accuracy": 0.9, "f1": 0.5},
        }
        second = handovers.take(workspace, home / "second", said | changed, model=handovers.MODEL)
        workspace.store.close()
        own: dict[str, Any] = {**os.environ, "MLOPS_STORE": str(home / "store")}
    with jupyter_server(home, **own) as running:  # other tests have an environment of their own
        yield Panels(running, home, first, second, own)
