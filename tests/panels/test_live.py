"""What happens while somebody looks: others' changes, jobs to their end, a server's end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from py_mlops.server.events import CHANGED
from tests.jupyter import TOKEN, jupyter_server
from tests.panels.conftest import SECONDS, Panels
from tests.projects import write_notebook

# Snapshots taken by a process that knows nothing of the server.
TAKE = """
import sys
from pathlib import Path
from py_mlops.workspace import open_workspace
from tests import handovers
project, name = Path(sys.argv[1]), sys.argv[2]
said = handovers.a_project(project)
said["request"]["name"] = name
print(handovers.take(open_workspace(), project / "handover", said, model=handovers.MODEL))
"""


class Listener:
    """Somebody who listens to the server's events, as the panel does."""

    def __init__(self, panels: Panels) -> None:
        """Connect."""
        self._socket = websocket.create_connection(
            panels.server.url.replace("http", "ws") + "/api/events/subscribe",
            header=[f"Authorization: token {TOKEN}"],
            timeout=SECONDS,
        )

    def until(self, true: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait for an event of ours of which something is true."""
        end = time.monotonic() + SECONDS * 3
        while time.monotonic() < end:
            event: dict[str, Any] = json.loads(self._socket.recv())
            if event["schema_id"] == CHANGED and true(event):
                return event
        raise AssertionError("it was never told")

    def close(self) -> None:
        """Leave."""
        self._socket.close()


@pytest.fixture
def listener(panels: Panels) -> Iterator[Listener]:
    """Somebody who listens."""
    made = Listener(panels)
    yield made
    made.close()


def take(panels: Panels, name: str) -> str:
    """Take a snapshot in a process of its own; return its id."""
    project = panels.home / "work" / name
    done = subprocess.run(
        [sys.executable, "-c", TAKE, str(project), name],
        check=True, capture_output=True, text=True,
        env={**panels.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    return done.stdout.strip()


def over(panels: Panels, listener: Listener, job: str) -> dict[str, Any]:
    """Wait for a job's end, asking only when an event says so."""
    found: dict[str, Any] = {}

    def ended(event: dict[str, Any]) -> bool:
        if (event["kind"], event["id"]) == ("job", job):
            found.update(panels.ask(f"/jobs/{job}"))
        return bool(found.get("ended"))

    listener.until(ended)
    return found


def test_a_snapshot_by_another_process_is_told(panels: Panels, listener: Listener) -> None:
    """Whoever listens is told of the store, and the list has it complete."""
    taken = take(panels, "pines")
    listener.until(lambda event: event["kind"] == "store" and _listed(panels, taken))


def _listed(panels: Panels, identifier: str) -> bool:
    found = panels.ask("/snapshots", limit=1)["items"][0]
    return bool(found["id"] == identifier and found["complete"])


def test_a_snapshot_is_reproduced(panels: Panels, listener: Listener) -> None:
    """A rerun by a click tells its cells, ends in a verdict, and the badge follows."""
    taken = take(panels, "firs")
    badge = panels.ask("/documents/firs/flowers.ipynb")
    assert badge["state"] == "never"
    queued = panels.post({"verb": "reproduce", "snapshot": taken})
    assert (queued["model"], queued["author"]) == ("firs", "Ada Tester")
    done = over(panels, listener, queued["id"])
    assert (done["state"], done["level"]) == ("done", "identical"), done
    log = panels.ask(f"/jobs/{queued['id']}/log")
    assert log["ended"]
    assert "cell 1/2" in log["text"]
    detail = panels.ask(f"/reproductions/{done['record']}")
    assert (detail["model"], detail["record"]["level"]) == ("firs", "identical")
    assert panels.ask(f"/snapshots/{taken}")["summary"]["verdict"]["id"] == done["record"]
    result = panels.ask(f"/jobs/{queued['id']}/result")["result"]
    assert (result["id"], result["level"]) == (done["record"], "identical")
    assert panels.ask("/documents/firs/flowers.ipynb")["snapshot"]["id"] == taken
    assert panels.ask("/documents/firs/flowers.ipynb")["state"] == "reproduced"


def test_a_snapshot_is_restored(panels: Panels, listener: Listener) -> None:
    """It goes into a folder of the file browser, and nowhere else."""
    restore = {"verb": "restore", "snapshot": panels.first}
    job = panels.post(restore | {"restore": {"folder": "back/again"}})
    done = over(panels, listener, job["id"])
    assert (done["state"], done["summary"]) == ("done", "4 files restored into back/again."), done
    assert (panels.home / "work" / "back" / "again" / "flowers.ipynb").is_file()
    (panels.home / "work" / "way out").symlink_to(panels.home)
    for folder in ("../out", "way out/there", ".hidden", "a/../../b"):
        refused = panels.post(restore | {"restore": {"folder": folder}}, 400)
        assert refused["code"] == "input-error", folder
    assert not (panels.home / "out").exists()
    assert not (panels.home / "there").exists()


def test_a_notebook_is_run_and_bundled(panels: Panels, listener: Listener) -> None:
    """It runs with the given parameters, is snapshotted, and goes into one file of the browser."""
    write_notebook(panels.home / "work" / "plain.ipynb", ["loss = alpha / 2"])
    asked = {"notebook": "plain.ipynb", "metrics": ["loss"],
             "parameters": [{"name": "alpha", "value": "0.5"}]}  # fmt: skip
    done = over(panels, listener, panels.post({"verb": "run", "run": asked})["id"])
    assert (done["state"], done["model"]) == ("done", "plain"), done
    assert done["summary"] == "1 snapshot taken."
    taken = panels.ask(f"/snapshots/{done['record']}")
    assert taken["record"]["metrics"] == {"loss": 0.25}
    bundle = {"verb": "bundle", "snapshot": done["record"]}
    job = panels.post(bundle | {"bundle": {"file": "plain.mlops"}})
    assert over(panels, listener, job["id"])["state"] == "done"
    assert (panels.home / "work" / "plain.mlops").stat().st_size > 1000
    for request in (
        {"verb": "run", "run": {"notebook": "../out.ipynb"}},
        {"verb": "run", "run": {"notebook": "none.ipynb"}},
        {"verb": "run", "run": asked | {"name": "--yes"}},
        {"verb": "run"}, bundle,
        bundle | {"bundle": {"file": "plain.ipynb"}},
        bundle | {"bundle": {"file": "../out.mlops"}},
    ):  # fmt: skip
        assert panels.post(request, 400)["code"] == "input-error"


def test_what_cannot_be_asked_for(panels: Panels) -> None:
    """A job of an unknown verb, snapshot or option is refused before it is queued."""
    before = panels.ask("/jobs")["items"]
    unknown = "sha256:" + "0" * 64
    for body, status in (
        ({"verb": "gc"}, 400), ({"verb": "reproduce"}, 400), ({}, 400),
        ({"verb": "reproduce", "snapshot": unknown}, 404),
        ({"verb": "reproduce", "snapshot": "flowers"}, 400),
        ({"verb": "restore", "snapshot": panels.first}, 400),
        ({"verb": "verify", "command": ["sh"]}, 400),
        ({"verb": "reproduce", "snapshot": panels.first,
          "reproduce": {"tolerances": ["--env=X=1"]}}, 400),
        ({"verb": "reproduce", "snapshot": panels.first,
          "reproduce": {"variables": ["A=1"]}}, 400),
    ):  # fmt: skip
        panels.post(body, status)
    assert panels.ask("/jobs")["items"] == before


def test_another_persons_code_is_asked_about(panels: Panels, tmp_path: Path) -> None:
    """Before anything is queued or recorded one is asked; after a yes it is queued."""
    environment = {**panels.environment, "MLOPS_AUTHOR": "Bea Other <bea@example.org>"}
    taken = subprocess.run(
        [sys.executable, "-c", TAKE, str(tmp_path / "hers"), "hers"],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    before = panels.ask("/jobs")["items"]
    request = {"verb": "reproduce", "snapshot": taken}
    question = panels.post(request, 403)
    assert question["code"] == "not-trusted"
    assert "This is Bea Other's snapshot. Its code will run" in question["message"]
    assert panels.ask("/jobs")["items"] == before
    job = panels.post(request | {"reproduce": {"yes": True}})
    assert panels.delete(f"/jobs/{job['id']}")["state"] in {"queued", "running", "cancelled"}


def test_a_job_outlives_its_server(panels: Panels, listener: Listener) -> None:
    """Stopping the server ends no job: another server finds it, and hears of its end."""
    with jupyter_server(panels.home, **panels.environment) as second:
        url = f"{second.url}/py-mlops/api/v1/jobs"
        body: dict[str, Any] = {
            "verb": "reproduce",
            "snapshot": panels.second,
            "reproduce": {"calibrate": 20},
        }
        headers = {"Authorization": f"token {TOKEN}"}
        job = requests.post(url, json=body, headers=headers, timeout=SECONDS).json()
    found = panels.ask(f"/jobs/{job['id']}")
    assert found["state"] == "running"
    panels.delete(f"/jobs/{job['id']}")
    assert over(panels, listener, job["id"])["state"] == "cancelled"
