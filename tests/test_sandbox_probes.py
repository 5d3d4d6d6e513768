from __future__ import annotations

import json
from typing import Any

import pytest

from py_mlops import sandbox
from py_mlops.sandbox import Level
from tests.escapes import PROBES
from tests.sandboxed import USERS, public, run_as

HARMLESS = [
    "abstract_socket", "cloud_credentials", "environment_of_other_processes",
    "environment_variables", "keyrings", "kill_a_process", "loopback_of_the_host",
    "name_of_the_host", "open_files_of_the_host", "other_reruns", "shared_memory",
    "ssh_keys", "store", "system_v_memory", "temporary_files", "unix_socket",
]  # fmt: skip
"""Probes that may be tried on the host itself, where each must get what it is after."""


def tried(user: str, level: Level, probes: list[str]) -> dict[str, Any]:
    """Let every probe try to get out, and return what came of it."""
    with public() as folder:
        done = run_as(
            user, folder, [str(folder / "prober.py"), str(folder / "desk"), level, *probes]
        )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module", params=USERS)
def outcome(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what all probes came to, as root and as an ordinary user."""
    return tried(request.param, Level.NAMESPACES, PROBES)


def isolated() -> bool:
    """Say whether this machine opens namespaces; where not, the lower level is what is tested."""
    found = sandbox.available()
    if found.level is Level.COPY:
        assert found.why
        print("not covered: ", found.why)  # noqa: T201 - the reason belongs into the test's output
    return found.level is Level.NAMESPACES


@pytest.mark.parametrize("probe", PROBES)
def test_probe(probe: str, outcome: dict[str, Any]) -> None:
    """A hostile notebook does not get out of the sandbox, nor at what is outside."""
    if isolated():
        assert outcome["errors"] == ""
        assert outcome["results"][probe].startswith("held"), outcome["results"][probe]


def test_host_is_unchanged(outcome: dict[str, Any]) -> None:
    """After all that, the host's files, store and environment are as they were."""
    if isolated():
        assert outcome["code"] == 0
        assert outcome["changed"] == []


def test_control() -> None:
    """The same probes get everything when there is no sandbox, so each of them can fail."""
    results = tried(USERS[0], Level.COPY, HARMLESS)["results"]
    assert {name: text for name, text in results.items() if not text.startswith("got out")} == {}
    assert len(results) == len(HARMLESS)


def test_there_are_enough() -> None:
    """At least 25 ways out are tried."""
    assert len(PROBES) >= 25
