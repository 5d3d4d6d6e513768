from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from py_mlops.cli import main
from py_mlops.records import Snapshot
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take
from tests.projects import mlops

VERBS = [
    "bundle", "diff", "explain", "export", "gc", "history", "hold", "impact", "lock", "log",
    "predict", "pull", "push", "reproduce", "restore", "run", "show", "verify", "witness",
]  # fmt: skip


def call(*words: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def taken(store_folder: Path, tmp_path: Path) -> str:
    """The id of a snapshot in the store that the command line finds by itself."""
    workspace = open_workspace(store_folder)
    try:
        return take(workspace, tmp_path / "h", a_project(tmp_path / "ada"), model=MODEL)
    finally:
        workspace.store.close()


@pytest.fixture
def again(store_folder: Path, tmp_path: Path, taken: str) -> str:
    """The id of a second snapshot of the same model, with another metric."""
    said = a_project(tmp_path / "again") | {"metrics": {"accuracy": 0.5}}
    workspace = open_workspace(store_folder)
    try:
        second = take(workspace, tmp_path / "h2", said, model=MODEL)
        assert workspace.store.get_as(second, Snapshot).parents == [taken]
    finally:
        workspace.store.close()
    return second


def test_help_lists_every_verb_with_a_sentence() -> None:
    """Who types `mlops --help` learns what there is."""
    shown = call("--help").output
    listed = [line.split(maxsplit=1) for line in shown.partition("Commands:")[2].splitlines()]
    assert [words[0] for words in listed if words] == VERBS
    assert all(len(words) == 2 for words in listed if words)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_speaks_json(verb: str) -> None:
    """Each has help, ``--json`` and ``--quiet``."""
    ended = call(verb, "--help")
    assert ended.exit_code == 0
    assert "--json" in ended.output
    assert "--quiet" in ended.output


def test_the_version_and_a_wrong_verb() -> None:
    """The version is printed; a verb that is not there is a usage error, exit code 2."""
    assert call("--version").output.startswith("mlops, version ")
    assert call("snapshto").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["log", "flower"],
        ["show", "nothing"],
        ["show", "../../etc/passwd"],
        ["diff", "a", "b"],
        ["restore", "nothing", "folder"],
        ["bundle", "nothing", "file.zip"],
        ["reproduce", "nothing"],
        ["reproduce", "flowers", "--tolerance", "acuracy=0.1"],
        ["reproduce", "flowers", "--tolerance", "accuracy"],
        ["reproduce", "flowers", "--tolerance", "accuracy=nan"],
        ["reproduce", "flowers", "--tolerance", "accuracy=-1"],
    ],
)
def test_an_error_is_json_for_a_program_and_a_sentence_for_a_person(
    taken: str, words: Sequence[str]
) -> None:
    """Exit code 1; stdout is one JSON value with message and hint, stderr says the same."""
    ended = call(*words, "--json")
    assert ended.exit_code == 1
    error = json.loads(ended.stdout)["error"]
    assert set(error) == {"kind", "message", "hint"}
    assert all(error.values())
    assert f"error: {error['message']}" in ended.stderr.replace("\n", " ").replace("  ", " ")
    assert "Traceback" not in ended.output
    assert taken


def test_a_mistyped_model_is_met_with_the_names_that_are_near(taken: str) -> None:
    """The person sees what they may have meant."""
    ended = call("log", "flwers")
    assert ended.exit_code == 1
    assert "flwers" in ended.stderr
    assert "Did you mean flowers?" in ended.stderr
    assert ended.stdout == ""
    assert taken


def test_an_unknown_metric_in_a_tolerance_is_told_before_anything_runs(taken: str) -> None:
    """No rerun is made and no verdict kept for a tolerance that would do nothing."""
    ended = call("reproduce", "flowers", "--tolerance", "acuracy=0.1", "--json")
    error = json.loads(ended.stdout)["error"]
    assert error["kind"] == "InputError"
    assert "acuracy" in error["message"]
    assert "accuracy" in error["hint"]
    assert json.loads(call("log", "--json").stdout)[0]["verdict"] is None
    assert taken


def test_the_log_pages_through_all_snapshots(taken: str, again: str) -> None:
    """``--before`` a page's last place gives the next one; the newest come first."""
    first = json.loads(call("log", "-n", "1", "--json").stdout)
    assert [item["id"] for item in first] == [again]
    rest = json.loads(call("log", "--before", str(first[0]["seq"]), "--json").stdout)
    assert [item["id"] for item in rest] == [taken]
    shown = call("log", "-n", "1").stdout
    assert f"mlops log --before {first[0]['seq']}" in shown


@pytest.mark.parametrize("reference", ["flowers", "flowers@main", "id", "short"])
def test_a_snapshot_goes_by_its_name_and_by_its_id(taken: str, reference: str) -> None:
    """A model's name, a head, a whole id and an id's beginning show the same record."""
    words = {"id": taken, "short": taken[7:17]}.get(reference, reference)
    value = json.loads(call("show", words, "--json").stdout)
    assert value["id"] == taken
    assert value["metrics"] == {"accuracy": 0.96875}


def test_show_tells_a_person_what_is_in_a_snapshot(taken: str) -> None:
    """Its metric, file, author and state are on the page."""
    shown = call("show", "flowers").stdout
    for word in ("flowers", taken[7:19], "0.96875", "data/flowers.csv", "Ada Tester", "captured"):
        assert word in shown


def test_diff_tells_what_changed(taken: str, again: str) -> None:
    """In words for a person, in numbers for a program."""
    value = json.loads(call("diff", taken[7:19], again[7:19], "--json").stdout)
    assert value["metrics"] == {"accuracy": [0.96875, 0.5]}
    shown = call("diff", taken[7:19], again[7:19]).stdout
    assert "-0.469" in shown


def test_bundle_and_restore_say_what_they_wrote(taken: str, tmp_path: Path) -> None:
    """The JSON names the files that are really there."""
    bundled = json.loads(call("bundle", "flowers", tmp_path / "a.zip", "--json").stdout)
    assert bundled == {
        "snapshot": taken,
        "file": str(tmp_path / "a.zip"),
        "size": (tmp_path / "a.zip").stat().st_size,
    }
    restored = json.loads(call("restore", "flowers", tmp_path / "back", "--json").stdout)
    assert all((tmp_path / "back" / name).is_file() for name in restored["files"])


def test_verify_ends_in_0_when_sound_and_1_when_damaged(taken: str, store_folder: Path) -> None:
    """A script can rely on the exit code; the damage is named."""
    assert call("verify").exit_code == 0
    path = store_folder / "objects" / taken[7:9] / taken[7:]
    path.chmod(0o644)
    path.write_bytes(b"{}")
    ended = call("verify", "--json")
    assert ended.exit_code == 1
    assert any(taken[7:19] in told for told in json.loads(ended.stdout)["damaged"])
    assert call("log").exit_code == 1
    assert taken[7:19] in call("log").stderr


def test_gc_is_a_dry_run_unless_told_otherwise(taken: str) -> None:
    """It says how to go on."""
    assert json.loads(call("gc", "--json").stdout)["deleted"] is False
    assert "mlops gc --delete" in call("gc").stdout
    assert json.loads(call("gc", "--delete", "--json").stdout)["deleted"] is True
    assert taken


def test_quiet_leaves_only_the_result(taken: str, tmp_path: Path) -> None:
    """Nothing is on stderr when all goes well."""
    assert call("bundle", "flowers", tmp_path / "a.zip", "--quiet").stderr == ""
    assert call("bundle", "flowers", tmp_path / "b.zip").stderr != ""
    assert taken


def test_a_holdout_without_a_model_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """The answers that are stored with it would be nobody's."""
    (tmp_path / "a.ipynb").write_text("{}")
    ended = call("run", tmp_path / "a.ipynb", "--holdout", "X", "--json")
    assert ended.exit_code == 1
    assert "--model" in json.loads(ended.stdout)["error"]["hint"]


@pytest.mark.parametrize("name", ["../x", "", "a b", "-x", "x" * 101, "a\nb"])
def test_a_name_that_no_model_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """A model's name is never a path or a line."""
    (tmp_path / "a.ipynb").write_text("{}")
    ended = call("run", tmp_path / "a.ipynb", "--name", name, "--json")
    assert ended.exit_code != 0
    assert "Traceback" not in ended.output


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the folder should be ends in a sentence, also in a real process."""
    (tmp_path / "file").write_text("")
    ended = mlops("--store", tmp_path / "file" / "store", "log", "--json")
    assert ended.code == 1
    assert ended.value["error"]["hint"]
    assert "Traceback" not in ended.err


def test_no_verb_waits_for_a_grammar_that_nothing_asks_for() -> None:
    """Where JupyterLab is installed, its check of international addresses is not compiled."""
    code = (
        "import sys\nfrom py_mlops.cli import main\n"
        "main(['log', '--json'], standalone_mode=False)\n"
        "import nbformat\nassert 'lark' not in sys.modules\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
