from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from campaigns.forger import change_record, change_rows
from py_mlops.cli import main
from py_mlops.commands.upkeep.witness import read_witness, witness
from py_mlops.errors import Corrupt, InputError
from py_mlops.workspace import Workspace, open_workspace
from tests.handovers import MODEL, a_project, take


def call(*words: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def witnessed(workspace: Workspace, taken: str, tmp_path: Path) -> Path:
    """A checkpoint in a file, of a store that has grown since."""
    assert taken
    witness(workspace, file=tmp_path / "head.txt")
    take(workspace, tmp_path / "h1", a_project(tmp_path / "more"), model=MODEL)
    workspace.store.close()
    return tmp_path / "head.txt"


def test_a_log_that_only_grew_extends_its_witness(witnessed: Path) -> None:
    """The proof holds, and the page says how many rows are witnessed."""
    ended = call("verify", "--against", witnessed)
    assert ended.exit_code == 0, ended.output
    assert "5 records checked, 3 of them witnessed" in " ".join(ended.output.split())


def test_a_truncated_log_is_named_though_all_of_it_was_made_anew(
    store_folder: Path, witnessed: Path
) -> None:
    """Not even the signatures are there to show it; the witness is, and says which rows."""
    change_rows(store_folder, lambda rows: rows[:1], strip=True)
    ended = call("verify", "--against", witnessed, "--json")
    assert ended.exit_code == 1
    said = json.loads(ended.stdout)["damaged"]
    assert any(
        "has 1 rows, but 3 were witnessed: rows 1 to 2 are missing" in one for one in said
    ), said


def test_a_rewritten_log_is_named(store_folder: Path, witnessed: Path) -> None:
    """Hashes made anew do not extend what was witnessed."""
    workspace = open_workspace(store_folder)
    [row] = workspace.store.ledger.newest(kind="snapshot", limit=1, before=3)
    workspace.store.close()
    change_record(store_folder, row.record, lambda plain: plain["metrics"].update(accuracy=0.99))
    ended = call("verify", "--against", witnessed, "--json")
    assert ended.exit_code == 1
    assert "not those that were witnessed" in ended.stdout


def test_a_witness_is_never_replaced_by_one_that_does_not_extend_it(
    store_folder: Path, witnessed: Path
) -> None:
    """The file stays, and the error says what is missing; one that is extended is replaced."""
    workspace = open_workspace(store_folder)
    assert witness(workspace, file=witnessed).size == 5
    workspace.store.close()
    before = witnessed.read_bytes()
    change_rows(store_folder, lambda rows: rows[:4])
    workspace = open_workspace(store_folder)
    with pytest.raises(Corrupt, match="was not replaced"):
        witness(workspace, file=witnessed)
    workspace.store.close()
    assert witnessed.read_bytes() == before
    assert [path for path in witnessed.parent.iterdir() if path.name.startswith(".")] == []


def test_another_stores_witness_is_told_as_such(
    witnessed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store made anew is not the one that was witnessed, whatever it holds."""
    monkeypatch.setenv("MLOPS_STORE", str(tmp_path / "other"))
    other = open_workspace()
    take(other, tmp_path / "h2", a_project(tmp_path / "again"), model=MODEL)
    other.store.close()
    ended = call("verify", "--against", witnessed)
    assert ended.exit_code == 1
    assert "it is another one" in " ".join(ended.output.split())


def test_a_forged_witness_is_not_believed(witnessed: Path) -> None:
    """A known name under another text is an error; an unknown signer is said."""
    text = witnessed.read_text()
    witnessed.write_text(text.replace("\n3\n", "\n2\n"))
    ended = call("verify", "--against", witnessed)
    assert ended.exit_code == 1
    assert "not to be believed" in " ".join(ended.output.split())
    witnessed.write_text(text.replace("— ada@", "— bob@"))
    ended = call("verify", "--against", witnessed)
    assert ended.exit_code == 0
    assert "No key that this store knows has signed" in " ".join(ended.output.split())


def test_a_witness_in_a_git_repository_is_a_commit(workspace: Workspace, taken: str) -> None:
    """One file a store; each new checkpoint is a commit that holds nothing else."""
    assert taken
    repository = workspace.store.folder.parent / "heads"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    (repository / "mine.txt").write_text("not to be committed")
    done = witness(workspace, repository=repository)
    shown = subprocess.run(
        ["git", "-C", str(repository), "show", "--name-only", "--format=%s %an", done.commit],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split("\n\n") == [
        "py-mlops: the ledger has 3 rows Ada",
        Path(done.file).name + "\n",
    ]
    assert read_witness(Path(done.file)).checkpoint.size == 3


def test_there_is_nothing_to_witness_in_an_empty_store(
    workspace: Workspace, tmp_path: Path
) -> None:
    """An error with a hint; so is a folder that is no repository, and a file that is no note."""
    with pytest.raises(InputError, match="no rows yet"):
        witness(workspace, file=tmp_path / "w")
    with pytest.raises(InputError, match="no git repository"):
        witness(workspace, repository=tmp_path)
    (tmp_path / "w").write_text("my own notes")
    with pytest.raises(InputError, match="no signed checkpoint"):
        read_witness(tmp_path / "w")
    assert call("witness").exit_code == 2


def test_a_listing_is_checked_by_sha256sum(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Standard tools check every object of a store, and name the altered one."""
    workspace.store.close()
    assert call("verify", "--listing", tmp_path / "sums").exit_code == 0
    words = ["sha256sum", "--quiet", "--strict", "-c", str(tmp_path / "sums")]
    folder = workspace.store.folder
    assert subprocess.run(words, cwd=folder, check=False).returncode == 0
    record = folder / "objects" / taken[7:9] / taken[7:]
    record.chmod(0o644)
    record.write_bytes(b"{}")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert taken[7:] in done.stdout
