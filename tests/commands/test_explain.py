from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text as sql

from py_mlops.commands.lineage.explain import Explanation, ancestors, explain
from py_mlops.commands.lineage.graph import draw, explanation_graph
from py_mlops.commands.lineage.pages import explanation_page
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.errors import Corrupt, InputError, UnknownReference
from py_mlops.records import Artifact, Author, External, HeadMove, Hole, Model, record_id
from py_mlops.report.html import html
from py_mlops.report.terminal import text
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.workspace import Workspace
from tests.handovers import MODEL, a_project, take
from tests.store.lineages import add, asked, blob_of, data_file, folder, made_of
from tests.store.samples import ANN, TIME

BOB = Author(name="Bob", email="bob@example.org", source="unverified")


def found(workspace: Workspace, word: str) -> Explanation:
    """Explain what a word means."""
    return explain(workspace, find_subject(workspace, word))


def page(workspace: Workspace, word: str) -> str:
    """Return the page of an explanation as a terminal shows it."""
    shown = text(explanation_page(workspace, found(workspace, word)), width=200)
    return " ".join(shown.split())


@pytest.fixture
def chain(workspace: Workspace) -> list[str]:
    """Ids of three snapshots, each of which read what the one before made; a head at the last."""
    first = made_of("gather", ["raw"], ["table"], author=BOB)
    second = made_of("clean", ["table"], ["clean"])
    third = made_of("train", ["clean", "labels"], ["report"], code=["scaling"])
    ids = add(workspace.store, first, second)
    workspace.store.add(third, head="train@main")
    return [*ids, record_id(third)]


def test_a_model_is_explained_back_to_raw_data(workspace: Workspace, chain: list[str]) -> None:
    """Each step has who and when; each source its digest and whether it was made or raw."""
    shown = page(workspace, "train")
    assert [step.id for step in found(workspace, "train").steps] == chain[::-1]
    for words in (
        f"clean.csv {blob_of('clean').digest[7:19]}",
        f"made by {chain[1][7:19]}",
        "labels.csv",
        "no snapshot here made it: raw",
        f"clean {chain[1][7:19]}",
        f"gather {chain[0][7:19]}",
        "Bob (unverified)",
        "/data/scaling.py",
        "train@main pointed here by Ann, 2026-01-31 12:00:00 UTC",
        "cpython 3.11.7",
        "watched as python-only: it may have read more",
    ):
        assert words in shown, (words, shown)
    assert [row.record for row in ancestors(workspace, found(workspace, "train"))] == chain[:2]


def test_a_file_is_known_by_its_bytes_wherever_it_lies(
    workspace: Workspace, chain: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model, an intermediate table, raw data, by path, by name or by digest."""
    assert chain
    elsewhere = tmp_path / "downloads"
    elsewhere.mkdir()
    (elsewhere / "renamed.bin").write_text("clean")
    shown = page(workspace, str(elsewhere / "renamed.bin"))
    assert "made by clean" in shown
    assert f"read by train {chain[2][7:19]}, as clean.csv" in shown
    assert f"gather {chain[0][7:19]}" in shown
    monkeypatch.chdir(elsewhere)
    assert found(workspace, "renamed.bin").steps == found(workspace, "./renamed.bin").steps
    assert found(workspace, blob_of("clean").digest).steps[0].id == chain[1]
    (elsewhere / "raw").write_text("raw")
    raw = found(workspace, "raw")
    assert raw.steps == ()
    assert "raw data" in page(workspace, "raw")
    assert [one.id for one in raw.occurrences] == [chain[0]]


def test_a_real_project_is_asked_by_its_files(
    workspace: Workspace, taken: str, project: Path, tmp_path: Path
) -> None:
    """Notebook, module, data and model of a snapshot, as they lie on a disk, lead to it."""
    (tmp_path / "model.pkl").write_bytes(MODEL)
    for path, words in (
        (project / "flowers.ipynb", "the notebook of flowers"),
        (project / "scaling.py", "a module of flowers"),
        (project / "data" / "flowers.csv", "read by flowers"),
        (project / "report.json", "made by flowers"),
        (tmp_path / "model.pkl", "the model of flowers"),
    ):
        assert f"{words} {taken[7:19]}" in page(workspace, str(path)), path


def test_a_snapshot_that_read_the_output_of_another_is_linked_end_to_end(
    workspace: Workspace, taken: str, project: Path, tmp_path: Path
) -> None:
    """What one session wrote and another read, as handed over by a kernel, is one lineage."""
    second = a_project(tmp_path / "bob" / "roses")
    report = project / "report.json"
    state = report.stat()
    second["files"].append(
        second["files"][0]
        | {"path": str(report), "requested": "report.json", "size": state.st_size}
        | {"mtime_ns": state.st_mtime_ns, "inode": state.st_ino}
    )
    second["request"] |= {"name": "roses"}
    roses = take(workspace, tmp_path / "h2", second, model=MODEL)
    assert [step.id for step in found(workspace, "roses").steps] == [roses, taken]


def test_what_is_known_only_in_part_is_told_so(workspace: Workspace) -> None:
    """Holes, unpinned peers, bytes that were not kept and records that are gone are named."""
    whole = made_of("m", ["a"], answers=[asked("postgresql://db:5432/shop")])
    capture = replace(
        whole.capture,
        level="observed",
        holes=[Hole(kind="data", text="b.csv vanished", hint="", cell=1, blocking=True)],
        external=[External(host="cache.example.org", port=6379, by="python", cell=2)],
    )
    lost = replace(data_file("b.csv", "input", "b"), blobs=[])
    snapshot = replace(whole, capture=capture, data=[*whole.data, lost])
    model = Model(variable="m", type="x.M", artifacts=[], loaded_from="/data/a.csv")
    (identifier, gone) = add(
        workspace.store, replace(snapshot, model=model), made_of("gone", ["z"], ["a"])
    )
    workspace.store.blobs.delete(gone)
    shown = page(workspace, identifier[7:19])
    for words in (
        "in part",
        "b.csv vanished",
        "the model itself, loaded; no snapshot here made it: raw",
        "not known: its bytes were not kept",
        "cache.example.org:6379",
        "nothing of it is kept",
        "postgresql://db:5432/shop",
        "its answers are kept",
        "Row 1 of the log: ",
        gone,
    ):
        assert words in shown, words
    graph = explanation_graph(found(workspace, identifier))
    assert graph is not None
    partial = {box.title for box in graph.boxes if not box.whole}
    assert {"m", "b.csv", "cache.example.org:6379"} <= partial
    assert "a.csv" not in partial


def test_a_folder_is_a_source_with_those_who_made_its_files(workspace: Workspace) -> None:
    """A folder that was read says how many of its files came from whom."""
    files = {f"{number}.png": f"picture {number}" for number in range(6)}
    made = folder(workspace.store.blobs, "output", files)
    read = folder(workspace.store.blobs, "input", files | {"7.png": "extra"}, "pictures")
    crop, _, train = add(
        workspace.store,
        made_of("crop", trees=[made]),
        made_of("camera", makes=["extra"]),
        made_of("train", trees=[read]),
    )
    shown = page(workspace, train[7:19])
    assert f"6 files of it made by {crop[7:19]}" in shown
    assert "1 file of it made by" in shown
    steps = [(step.name, step.distance) for step in found(workspace, train).steps]
    assert steps == [("train", 0), ("crop", 1), ("camera", 1)]


def test_who_made_the_same_bytes_later_or_too_is_told(workspace: Workspace) -> None:
    """The first maker is named, the others counted, a later one said to be later."""
    reader, _, _ = add(
        workspace.store,
        made_of("reader", ["x"]),
        made_of("late", makes=["x"]),
        made_of("too", makes=["x"]),
    )
    shown = page(workspace, reader[7:19])
    assert "(and 1 more made the same bytes), which was recorded later" in shown
    graph = explanation_graph(found(workspace, reader))
    assert graph is not None
    assert [arrow.sure for arrow in graph.arrows] == [True, False]


def test_a_person_and_an_origin_can_be_asked_about(workspace: Workspace, chain: list[str]) -> None:
    """By name or mail, in any case; by address with or without scheme."""
    add(workspace.store, made_of("sql", answers=[asked("postgresql://db:5432/shop")]))
    assert [one.id for one in found(workspace, "BOB@example.org").occurrences] == [chain[0]]
    assert f"the author of gather {chain[0][7:19]}" in page(workspace, "bob")
    assert "sql" in page(workspace, "postgresql://db:5432/shop")
    with pytest.raises(UnknownReference, match="this address"):
        found(workspace, "https://nobody.example")


def test_acts_lead_to_their_snapshot(workspace: Workspace, chain: list[str]) -> None:
    """The id of a head's move is explained by the snapshot it moved to."""
    (row,) = workspace.store.ledger.newest(kind="head-move")
    assert found(workspace, row.record[7:20]).steps[0].id == chain[2]
    assert "is the move of train@main" in page(workspace, row.record[7:20])
    move = HeadMove(
        head="train@main",
        previous=chain[2],
        target=chain[1],
        created=TIME,
        author=BOB,
        reason="rollback",
    )
    workspace.store.add(move)
    assert "12:00:00 UTC; not any more" in page(workspace, chain[2])


def test_many_ancestors_are_folded_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    """Of a long chain the nearest are shown, the others counted, in the picture, too."""
    ids = add(workspace.store, *(made_of("m", [f"v{n}"], [f"v{n + 1}"]) for n in range(40)))
    explained = found(workspace, ids[-1])
    assert (len(explained.steps), explained.ancestors) == (12, 39)
    assert len(ancestors(workspace, explained)) == 39
    shown = explanation_page(workspace, explained)
    assert "and 28 more" in text(shown)
    draw(shown.picture, tmp_path / "x.svg")
    assert "and 28 more" in (tmp_path / "x.svg").read_text()
    with pytest.raises(InputError, match="something else"):
        draw(explanation_graph(found(workspace, ids[0])), tmp_path / "x.svg")
    with pytest.raises(InputError, match="nothing to draw"):
        draw(None, tmp_path / "y.svg")


def test_an_index_that_says_what_no_record_says_is_an_error(
    workspace: Workspace, chain: list[str]
) -> None:
    """A link that somebody put into the index is not told as if it were recorded."""
    forger, reader = add(workspace.store, made_of("forger", makes=["other"]), made_of("r", ["bad"]))
    workspace.store.lineage.catch_up()
    assert isinstance(workspace.store.ledger, SqlLedger)
    with workspace.store.ledger.database.transaction("Changing", writing=True) as connection:
        connection.execute(
            sql(
                "INSERT INTO lineage_edge SELECT s.id, f.id, 'made', 'bad.csv' "
                "FROM lineage_node s, lineage_node f WHERE s.key = :forger AND f.key = :bad"
            ),
            {"forger": bytes.fromhex(forger[7:]), "bad": bytes.fromhex(blob_of("bad").digest[7:])},
        )
    with pytest.raises(Corrupt, match="what its record does not say") as caught:
        found(workspace, reader)
    assert "mlops verify --rebuild" in caught.value.hint
    assert chain


def test_nothing_known_says_what_to_do_next(
    workspace: Workspace, chain: list[str], tmp_path: Path
) -> None:
    """An unknown word, unknown bytes, a folder and a missing file are each answered."""
    assert chain
    (tmp_path / "new.csv").write_text("never seen")
    with pytest.raises(UnknownReference, match="knows these bytes"):
        found(workspace, str(tmp_path / "new.csv"))
    with pytest.raises(
        UnknownReference, match="no snapshot, file, digest, person, address or prediction"
    ):
        found(workspace, "trian")
    for path in (tmp_path, tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(InputError, match="no file"):
            found(workspace, f"{path}/" if path == tmp_path else str(path))


def test_a_hostile_record_cannot_draw_another_page(workspace: Workspace) -> None:
    """Names with markup, controls and turned direction are shown as text, in page and picture."""
    evil = "<script>alert(1)</script>\x1b[2J\u202e\n✓ approved"
    author = replace(ANN, name=evil)
    maker = made_of(evil, ["a"], author=author)
    maker = replace(
        maker, data=[*maker.data, replace(data_file("x", "output", "x"), requested=evil)]
    )
    reader = made_of(evil, ["x"], author=author, answers=[asked(evil)])
    read = [replace(one, requested=evil) for one in reader.data]
    model = Model(
        variable="m",
        type="m",
        artifacts=[Artifact(format="pickle", executes=True, untrusted=[], blob=blob_of("model"))],
        loaded_from=None,
    )
    _, last = add(workspace.store, maker, replace(reader, data=read, model=model))
    shown = explanation_page(workspace, found(workspace, last))
    for rendered in (html(shown), text(shown)):
        assert "<script>" not in rendered.replace(text(shown), "")
        assert not {"\x1b", "\u202e"} & set(rendered)
    assert not any(line.strip().startswith("✓ approved") for line in text(shown).splitlines())
