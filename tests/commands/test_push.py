from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from py_mlops.cli import main
from py_mlops.commands.catalogue.catalogue import open_catalogue
from py_mlops.commands.history import newest_verdict
from py_mlops.commands.lineage.explain import explain
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.commands.reruns.reproduce import is_foreign
from py_mlops.commands.transfer import moving as transfer
from py_mlops.commands.transfer.pull import pull
from py_mlops.commands.transfer.push import push
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, HeadMoved, InputError, UnknownReference
from py_mlops.progress import Progress
from py_mlops.records import Import, Reproduction, Snapshot
from py_mlops.store import open_store
from py_mlops.workspace import Workspace, open_workspace
from tests.handovers import MODEL, a_project, take
from tests.store.samples import reproduction


@pytest.fixture
def team(tmp_path: Path) -> str:
    """The folder of a team's store that is not made yet."""
    return str(tmp_path / "team")


@pytest.fixture
def again(workspace: Workspace, taken: str, project: Path, tmp_path: Path) -> str:
    """The id of a second snapshot, whose parent is the first one."""
    (project / "data" / "flowers.csv").write_text("5.1,3.5,0\n" * 900)
    for name in ("data/flowers.csv", "scaling.py", "report.json", "flowers.ipynb"):
        (project / name).rename(project.parent / name.replace("/", "-"))
    (project / "data").rmdir()
    identifier = take(workspace, tmp_path / "h2", a_project(project), model=b"another model")
    assert workspace.store.get_as(identifier, Snapshot).parents == [taken]
    return identifier


def test_a_push_brings_heads_with_their_history(
    workspace: Workspace, taken: str, again: str, team: str
) -> None:
    """Without words all heads go, with all bytes and ancestors, and each says who brought it."""
    done = push(workspace, team)
    assert done.carried.snapshots == [taken, again]
    assert done.heads == {"flowers@main": again}
    with closing(open_store(team)) as store:
        assert store.ledger.heads() == {"flowers@main": again}
        assert store.get_as(again, Snapshot) == workspace.store.get_as(again, Snapshot)
        came = [store.get_as(row.record, Import) for row in store.ledger.newest(kind="import")]
        assert [one.snapshot for one in came] == [again, taken]
        assert {one.store for one in came} == {workspace.store.ledger.name()}
        assert {one.bundle for one in came} == {None}
    theirs = open_workspace(team)
    with closing(theirs.store):
        assert list(verify(theirs)) == []


def test_only_what_is_missing_travels(
    workspace: Workspace, taken: str, again: str, team: str
) -> None:
    """What the other store has is not sent again, snapshots and objects alike."""
    first = push(workspace, team, [taken])
    assert first.carried.snapshots == [taken]
    assert first.heads == {}
    second = push(workspace, team, ["flowers"])
    assert second.carried.snapshots == [again]
    assert 0 < second.carried.objects < first.carried.objects
    assert second.carried.held > 0
    third = push(workspace, team)
    assert (third.carried.snapshots, third.carried.objects) == ([], 0)


def test_verdicts_travel_both_ways(
    workspace: Workspace, elsewhere: Workspace, taken: str, team: str
) -> None:
    """A verdict goes with its snapshot and later by itself, with its notebook, and only once."""
    notebook = workspace.store.blobs.put_bytes(b"executed")
    mine = replace(reproduction(taken), notebook=notebook, reason="Ada's.")
    first = workspace.store.add(mine).record
    assert push(workspace, team).carried.reruns == [first]
    pulled = pull(elsewhere, team, ["flowers"]).carried
    assert (pulled.reruns, pulled.refused) == ([first], [])
    assert elsewhere.store.get(first) == mine
    assert elsewhere.store.blobs.read(notebook.digest) == b"executed"
    second = elsewhere.store.add(replace(reproduction(taken), reason="Bob's.")).record
    brought = push(elsewhere, team).carried
    assert (brought.snapshots, brought.reruns) == ([], [second])
    for expected in ([second], []):
        assert pull(workspace, team, ["flowers"]).carried.reruns == expected
    assert not is_foreign(workspace, workspace.store.get_as(taken, Snapshot))
    for one in (workspace, elsewhere):
        assert list(verify(one)) == []


def test_a_later_verdict_of_an_ancestor_travels(
    workspace: Workspace, elsewhere: Workspace, taken: str, again: str, team: str
) -> None:
    """A verdict on an older snapshot that is there already goes with the head that follows it."""
    push(workspace, team)
    pull(elsewhere, team, ["flowers"])
    late = elsewhere.store.add(replace(reproduction(taken), reason="Bob's, of the old one.")).record
    for moved in ([late], []):
        assert push(elsewhere, team).carried.reruns == moved
    for moved in ([late], []):
        done = pull(workspace, team, ["flowers"]).carried
        assert (done.snapshots, done.reruns, done.refused) == ([], moved, [])
    assert workspace.store.ledger.newest(kind="reproduction", subject=again) == []


def test_a_verdict_that_arrives_late_is_not_the_newest(
    workspace: Workspace, elsewhere: Workspace, taken: str, team: str
) -> None:
    """When a rerun ended counts, not when it came here: in lists, searches and by itself."""
    push(workspace, team)
    pull(elsewhere, team, ["flowers"])
    old = replace(reproduction(taken), created="2026-02-01T00:00:00.000000Z", level="different")
    new = replace(reproduction(taken), created="2026-02-02T00:00:00.000000Z", level="identical")
    late = elsewhere.store.add(old).record
    workspace.store.add(new)
    push(elsewhere, team)
    assert pull(workspace, team, ["flowers"]).carried.reruns == [late]
    assert newest_shown(workspace, taken) == {"identical"}
    tie = replace(new, level="failed", reason="At the same moment.")
    workspace.store.add(tie)
    assert newest_shown(workspace, taken) == {"failed"}  # what came last


def newest_shown(workspace: Workspace, snapshot_id: str) -> set[str]:
    """Return what the ways of asking for a snapshot's newest verdict say."""
    verdict = newest_verdict(workspace, snapshot_id)
    assert verdict is not None
    first = explain(workspace, find_subject(workspace, snapshot_id)).reruns[0].record
    said = {str(verdict.level), str(workspace.store.get_as(first, Reproduction).level)}
    with closing(open_catalogue(workspace)) as catalogue:
        catalogue.follower.refresh()
        line, (model,) = catalogue.snapshot(snapshot_id), catalogue.models().items
        assert line is not None
        assert line.verdict is not None
        assert model.verdict is not None
        said |= {line.verdict.level, model.verdict.level, catalogue.verdicts(snapshot_id)[0].level}
        for level in ("identical", "different", "failed"):
            if catalogue.snapshots(level).items:
                said.add(level)
    return said


def test_a_verdict_from_the_future_does_not_stay_the_newest(
    workspace: Workspace, elsewhere: Workspace, taken: str, team: str
) -> None:
    """A clock set forward decides nothing: its verdict ranks behind, and does not travel."""
    push(workspace, team)
    pull(elsewhere, team, ["flowers"])
    ahead = replace(reproduction(taken), created="9999-01-01T00:00:00.000000Z", level="identical")
    elsewhere.store.add(ahead)
    refused = push(elsewhere, team).carried
    assert refused.reruns == []
    assert "yet to come" in refused.refused[0]
    workspace.store.add(ahead)
    assert newest_shown(workspace, taken) == {"identical"}  # there is no other
    workspace.store.add(replace(reproduction(taken), level="different"))
    assert newest_shown(workspace, taken) == {"different"}


def test_the_newest_verdicts_travel(
    workspace: Workspace, taken: str, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many verdicts a bounded number travels: the newest, in their order."""
    monkeypatch.setattr(transfer, "_MOST_RERUNS", 2)
    made = [
        workspace.store.add(replace(reproduction(taken), reason=f"Run {number}.")).record
        for number in range(4)
    ]
    assert push(workspace, team).carried.reruns == made[2:]


def test_a_stopped_push_goes_on_where_it_was(
    workspace: Workspace, taken: str, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was on the other side when it stopped is not sent again, and nothing was visible."""
    monkeypatch.setattr(transfer, "_MOST", 2)
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if progress.done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(workspace, team, report=stop)
    with closing(open_store(team)) as store:
        assert store.ledger.size() == 0
    done = push(workspace, team)
    assert done.carried.held == 4
    assert done.carried.objects == told[0].total - 4
    assert done.carried.snapshots == [taken]


def test_a_head_that_went_another_way_is_left(
    workspace: Workspace, elsewhere: Workspace, taken: str, team: str, tmp_path: Path
) -> None:
    """Two who trained apart: the second one is told, both snapshots are there, none is lost."""
    push(workspace, team)
    theirs = take(elsewhere, tmp_path / "h3", a_project(tmp_path / "bob"), model=MODEL)
    with pytest.raises(HeadMoved, match=r"flowers@main of .*team points at a snapshot") as caught:
        push(elsewhere, team)
    assert "mlops pull" in caught.value.hint
    with closing(open_store(team)) as store:
        assert store.ledger.head("flowers@main") == taken
        assert store.get_as(theirs, Snapshot).parents == []


def test_damaged_bytes_are_not_passed_on(workspace: Workspace, taken: str, team: str) -> None:
    """What was altered here is refused, and the other store has no row of it."""
    lock = workspace.store.get_as(taken, Snapshot).environment.lock.digest
    path = workspace.store.folder / "objects" / lock[7:9] / lock[7:]
    path.chmod(0o644)
    path.write_bytes(b"altered")
    with pytest.raises(Corrupt, match="of your store is not what its name says"):
        push(workspace, team)
    with closing(open_store(team)) as store:
        assert store.ledger.size() == 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (lambda workspace: [str(workspace.store.folder)], InputError, "is the store you work in"),
        (lambda _: ["taem"], InputError, "No remote is named 'taem'"),
        (lambda _: ["./team", "nothing"], UnknownReference, "goes by 'nothing'"),
    ],
)
def test_what_cannot_be_pushed_is_said(
    workspace: Workspace,
    taken: str,
    words: Callable[[Workspace], list[str]],
    error: type[InputError],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One's own store, an unknown remote or snapshot is refused before anything is made."""
    monkeypatch.chdir(tmp_path)
    remote, *references = words(workspace)
    with pytest.raises(error, match=said):
        push(workspace, remote, references)
    assert not (tmp_path / "team").exists()
    assert taken


@pytest.mark.parametrize("verb", [["push", "{}"], ["pull", "{}", "flowers"], ["gc"]])
@pytest.mark.parametrize(
    ("change", "said", "hint"),
    [
        ("UPDATE meta SET value = '2' WHERE key = 'format'", "has format 2", "Update py-mlops"),
        ("DROP TABLE meta", "has format unknown", "name another store"),
    ],
)
def test_a_store_that_this_version_cannot_read_is_left_alone(
    workspace: Workspace, taken: str, team: str, verb: list[str], change: str, said: str, hint: str
) -> None:
    """Whoever meets a database of a newer version says so and what to do, and changes nothing."""
    push(workspace, team)
    ledger = Path(team) / "ledger.sqlite"
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(change)
    ours, before = str(workspace.store.folder), listing(Path(team))
    words = ["--store", ours, *verb] if "{}" in verb else ["--store", team, *verb, "--delete"]
    ended = CliRunner().invoke(main, [one.replace("{}", team) for one in words])
    assert ended.exit_code == 1
    assert said in ended.output
    assert hint in ended.output
    assert listing(Path(team)) == before
    assert workspace.store.resolve("flowers") == taken


def listing(folder: Path) -> dict[str, int]:
    """Return the objects of a store, and how many rows its log has."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM log").fetchone()
    objects = (path for path in (folder / "objects").rglob("*") if path.is_file())
    return {"rows": rows} | {path.name: path.stat().st_size for path in objects}


def test_an_empty_store_has_nothing_to_push(workspace: Workspace, team: str) -> None:
    """It says so, and makes no store on the other side."""
    with pytest.raises(InputError, match="nothing to push"):
        push(workspace, team)
    assert not Path(team).exists()


def test_the_command_line_moves_a_snapshot_to_a_named_remote_and_back(
    workspace: Workspace, taken: str, team: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote has a name in the settings; both verbs print what they did for a program."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "py-mlops").mkdir(parents=True)
    settings = tmp_path / "config" / "py-mlops" / "settings.toml"
    settings.write_text(f'[remotes]\nteam = "{team}"\n')
    words = ["--store", str(workspace.store.folder), "push", "team", "--json", "--quiet"]
    ended = CliRunner().invoke(main, words)
    assert ended.exit_code == 0, ended.output
    value = json.loads(ended.stdout)
    assert value["snapshots"] == [taken]
    assert value["heads"] == {"flowers@main": taken}
    assert value["objects"] > 0
    other = ["--store", str(tmp_path / "other"), "pull", "team", "flowers"]
    ended = CliRunner().invoke(main, other)
    assert ended.exit_code == 0, ended.output
    assert "1 new snapshot" in ended.stdout
    assert f"flowers@main is {taken[7:19]}" in ended.stdout
    ended = CliRunner().invoke(main, [*other, "--json", "--quiet"])
    assert json.loads(ended.stdout)["snapshots"] == []
    ended = CliRunner().invoke(main, ["pull", "taem", "flowers", "--json", "--quiet"])
    assert ended.exit_code == 1
    assert "There are: team" in json.loads(ended.stdout)["error"]["hint"]
