"""Looking at a store: the server's state, lists, one snapshot, a comparison, a notebook's badge."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.panels.conftest import SECONDS, SIGNED_IN, Panels

UNKNOWN = "sha256:" + "0" * 64
NOTEBOOK = "project/flowers.ipynb"


def test_the_servers_state(panels: Panels) -> None:
    """It tells which store it looks at, whose it is, and what can be done."""
    found = panels.ask("/status")
    assert found["store"]["state"] == "ready"
    assert found["store"]["indexed"] == found["store"]["records"] >= 4
    assert found["author"]["name"] == "Ada Tester"
    assert {"reproduce", "restore", "verify"} <= set(found["verbs"])


def test_snapshots_in_pages(panels: Panels) -> None:
    """The newest comes first, and the cursor leads through all of them."""
    page = panels.ask("/snapshots", model="flowers", limit=1)
    assert [item["id"] for item in page["items"]] == [panels.second]
    assert page["items"][0]["metrics"] == {"accuracy": 0.9, "f1": 0.5}
    assert page["items"][0]["heads"] == ["flowers@main"]
    rest = panels.ask("/snapshots", model="flowers", limit=1, cursor=page["next"])
    assert [item["id"] for item in rest["items"]] == [panels.first]
    assert rest["next"] is None
    assert rest["items"][0]["heads"] == []


def test_search(panels: Panels) -> None:
    """Each word of a search must be somewhere in what a list tells of a snapshot."""
    for words, count in (
        ("flowers f1", 1),
        ("ADA flowers.ipynb", 2),
        ("nothing", 0),
        ("%", 0),
    ):
        found = panels.ask("/snapshots", search=words, model="flowers")["items"]
        assert len(found) == count, words
    assert panels.ask("/snapshots", search=panels.first[7:20])["items"][0]["id"] == panels.first
    assert panels.ask("/models", search="flow")["items"][0]["count"] == 2
    assert panels.ask("/models", search="tree")["items"] == []


def test_models(panels: Panels) -> None:
    """A model is told with its heads, its newest snapshot and how many there are."""
    [model] = panels.ask("/models", search="flowers")["items"]
    assert model["name"] == "flowers"
    assert model["newest"]["id"] == panels.second
    [head] = model["heads"]
    assert (head["name"], head["branch"], head["target"]) == (
        "flowers@main", "main", panels.second
    )  # fmt: skip


def test_one_snapshot(panels: Panels) -> None:
    """Its page has the record, its holes, what followed it, and what was executed."""
    found = panels.ask(f"/snapshots/{panels.first}")
    assert found["record"]["program"]["notebook"].endswith("flowers.ipynb")
    assert found["children"] == [panels.second]
    assert found["cut"] == {}
    assert found["bytes"] > 8000
    executed = panels.ask(f"/snapshots/{panels.first}/notebook")
    assert [cell["source"] for cell in executed["content"]["cells"]] == [
        "table = open('data/flowers.csv').read()",
        "accuracy = 0.96875\nprint(accuracy)",
    ]
    history = panels.ask(f"/snapshots/{panels.first}/history")
    assert [point["metrics"].get("accuracy") for point in history["points"]] == [0.96875, 0.9]


def test_lineage_is_drawn(panels: Panels) -> None:
    """What a snapshot was made of, each thing at a place of its own, and the same in words."""
    found = panels.ask(f"/snapshots/{panels.second}/lineage")
    assert (found["ancestors"], found["affected"], found["effects"]) == (0, 0, None)
    drawing = found["origins"]
    boxes = {box["title"]: box for box in drawing["boxes"]}
    assert {"flowers", "data/flowers.csv"} <= set(boxes)
    assert (boxes["flowers"]["snapshot"], boxes["flowers"]["focus"]) == (panels.second, True)
    assert boxes["data/flowers.csv"]["snapshot"] is None
    assert boxes["data/flowers.csv"]["layer"] < boxes["flowers"]["layer"] < drawing["layers"]
    places = [(box["layer"], box["height"]) for box in drawing["boxes"]]
    assert len(set(places)) == len(places)
    ends = [arrow["points"][-1] for arrow in drawing["arrows"]]
    assert ends == [[boxes["flowers"]["layer"], boxes["flowers"]["height"]]] * len(ends)
    words = {part["title"]: part for part in found["parts"]}
    assert ["data", "data/flowers.csv"] in [row[:2] for row in words["Made of"]["rows"]]
    assert words["Decisions"]["lines"][0]["label"] == "flowers@main"


def test_what_is_not_there(panels: Panels) -> None:
    """A record nobody has, one of another kind, and a word that is no id have clear answers."""
    assert panels.ask(f"/snapshots/{UNKNOWN}", 404)["code"] == "unknown-reference"
    assert panels.ask(f"/snapshots/{UNKNOWN}/notebook", 404)["code"] == "unknown-reference"
    assert panels.ask(f"/reproductions/{panels.first}", 400)["code"] == "input-error"
    for path in ("/snapshots/flowers", "/snapshots/..%2F..%2Fetc", f"/snapshots/{UNKNOWN}0"):
        assert panels.ask(path, 400)["code"] == "input-error"
    for bad in ({"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"wrong": 1}):
        assert panels.ask("/snapshots", 400, **bad)["code"] == "input-error"


def test_a_comparison(panels: Panels) -> None:
    """Metrics with their difference, the table that changed with its columns, what is the same."""
    found = panels.ask("/compare", a=panels.first, b=panels.second)
    accuracy, f1 = found["metrics"]
    assert accuracy["delta"] == pytest.approx(0.9 - 0.96875)
    assert (f1["a"], f1["b"], f1["delta"]) == (None, 0.5, None)
    table, report = found["data"]
    assert (table["path"], table["change"]) == ("data/flowers.csv", "changed")
    assert (table["table"]["rows_a"], table["table"]["rows_b"]) == (799, 999)
    last = table["table"]["columns"][2]
    assert (sum(last["counts_a"]), sum(last["counts_b"])) == (799, 999)
    assert (report["path"], report["change"]) == ("report.json", "removed")
    assert found["environment"]["packages"] == []
    assert all(line["same"] for line in found["signature"])


def test_compared_notebooks(panels: Panels) -> None:
    """Two snapshots of one notebook differ in no cell; none is sent unless asked for."""
    asked: dict[str, Any] = {"a": panels.first, "b": panels.second}
    found = panels.ask("/compare/notebook", **asked)
    assert (found["source"], found["changed"], found["diff"]) == ("saved", 0, [])
    assert found["base"]["cells"] == []
    whole = panels.ask("/compare/notebook", **asked, whole="true")
    assert len(whole["base"]["cells"]) == whole["cells_a"] == 2


def test_the_badge_follows_the_notebook(panels: Panels) -> None:
    """It tells which cell changed, takes new outputs for no change, and writes nothing."""
    file = panels.home / "work" / NOTEBOOK
    before = file.read_bytes()
    found = panels.ask(f"/documents/{NOTEBOOK}")
    assert (found["state"], found["changes"]) == ("never", [])
    assert found["snapshot"]["id"] == panels.second
    notebook = json.loads(before)
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1\n"}]
    file.write_text(json.dumps(notebook))
    found = panels.ask(f"/documents/{NOTEBOOK}")
    assert (found["state"], found["outputs"]) == ("never", 1)
    notebook["cells"][1]["source"] = "accuracy = 1"
    file.write_text(json.dumps(notebook))
    found = panels.ask(f"/documents/{NOTEBOOK}")
    assert found["state"] == "changed"
    assert found["changes"] == [
        {"change": "changed", "cell": 2, "id": "c2", "type": "code", "source": "accuracy = 1"}
    ]
    file.write_bytes(before)
    assert panels.ask(f"/documents/{NOTEBOOK}")["state"] == "never"
    assert file.read_bytes() == before


def test_a_notebook_that_was_moved_keeps_its_badge(panels: Panels) -> None:
    """The same cells under another name are the same notebook."""
    moved = panels.home / "work" / "näme with blanks.ipynb"
    moved.write_bytes((panels.home / "work" / NOTEBOOK).read_bytes())
    found = panels.ask("/documents/näme with blanks.ipynb")
    assert found["changes"] == []
    assert found["snapshot"] is not None


def test_documents_that_have_no_badge(panels: Panels, tmp_path: Path) -> None:
    """A path that leads out, a hidden file, a folder and a file that is no notebook are refused."""
    (panels.home / "work" / "text.ipynb").write_text("no notebook")
    (panels.home / "work" / ".hidden.ipynb").write_text("{}")
    (tmp_path / "outside.ipynb").write_text("{}")
    for path, status in (
        ("..%2F..%2Fetc%2Fpasswd", 404), ("%2Fetc%2Fpasswd", 404), (".hidden.ipynb", 404),
        (f"..%2F{tmp_path.name}%2Foutside.ipynb", 404), ("project", 400), ("text.ipynb", 400),
        ("nothing.ipynb", 404), ("a%00b.ipynb", 404),
    ):  # fmt: skip
        answer = panels.ask(f"/documents/{path}", status)
        assert "root" not in answer["message"].replace(path, "")


def test_a_figure_is_an_image_or_nothing(panels: Panels) -> None:
    """An address of a figure never gives other bytes of the store."""
    path = f"/snapshots/{panels.first}/figures/"
    saved = panels.ask(f"/snapshots/{panels.first}")["record"]["program"]["saved"]["digest"]
    assert panels.ask(path + saved, 404)["code"] == "unknown-reference"


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_headers_keep_bytes_harmless(panels: Panels) -> None:
    """No answer can become a page: types are not guessed, and a policy forbids all."""
    answer = requests.get(panels.url + "/openapi.yaml", headers=SIGNED_IN, timeout=SECONDS)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    answer = requests.get(panels.url + "/status", headers=SIGNED_IN, timeout=SECONDS)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
