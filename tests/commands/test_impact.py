from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text as sql

from py_mlops.commands.lineage.graph import impact_graph
from py_mlops.commands.lineage.impact import Impact, impact
from py_mlops.commands.lineage.pages import impact_page
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.errors import Corrupt
from py_mlops.records import record_id
from py_mlops.report.terminal import text
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.workspace import Workspace
from tests.store.lineages import add, asked, blob_of, folder, made_of, wheel
from tests.store.samples import environment


def found(workspace: Workspace, word: str) -> Impact:
    """Return what a word's thing went into."""
    return impact(workspace, find_subject(workspace, word))


def page(workspace: Workspace, word: str) -> str:
    """Return the page as a terminal shows it, blanks joined."""
    return " ".join(text(impact_page(found(workspace, word)), width=200).split())


def test_a_wrong_file_leads_to_every_model_that_came_of_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Directly or through the outputs of others; with the heads that point at one now."""
    clean = made_of("clean", ["raw"], ["table"])
    train = made_of("train", ["table"], ["model"])
    other = made_of("other", ["labels"])
    workspace.store.add(clean)
    workspace.store.add(train, head="train@production")
    workspace.store.add(other, head="other@main")
    (tmp_path / "wrong.csv").write_text("raw")
    what = found(workspace, str(tmp_path / "wrong.csv"))
    assert [(one.name, one.distance, one.used_as) for one in what.effects] == [
        ("clean", 1, "raw.csv"),
        ("train", 2, "table.csv"),
    ]
    assert [(one.name, one.heads) for one in what.models] == [
        ("train", ("train@production",)),
        ("clean", ()),
    ]
    assert (what.snapshots, what.direct) == (2, 1)
    shown = page(workspace, str(tmp_path / "wrong.csv"))
    for words in (
        "used by 2 snapshots",
        "train train@production 1",
        f"table.csv of {record_id(clean)[7:19]}",
        "2 snapshots of 2 models; 1 used it directly",
    ):
        assert words in shown, words
    assert page(workspace, "other").startswith("other")
    assert "used by nothing" in page(workspace, "other")
    titles = [box.title for box in impact_graph(what).boxes]
    assert titles == [str(tmp_path / "wrong.csv"), "clean", "train", "table.csv"]


def test_a_file_in_a_folder_a_wheel_an_origin_and_a_person_have_effects(
    workspace: Workspace,
) -> None:
    """Whatever a snapshot was made of can be asked about, and each effect says through what."""
    read = folder(workspace.store.blobs, "input", {"1.png": "one", "2.png": "two"}, "pictures")
    around = replace(environment(blob_of("lock")), distributions=[wheel("numpy")])
    ids = add(
        workspace.store,
        made_of("look", trees=[read]),
        made_of("count", environment=around),
        made_of("ask", answers=[asked("postgresql://db:5432/shop")]),
    )
    for word, place, name in (
        (blob_of("two").digest, 0, "pictures"),
        (blob_of("numpy").digest, 1, "package numpy 1.0"),
        ("postgresql://db:5432/shop", 2, "postgresql://db:5432/shop"),
    ):
        (effect,) = found(workspace, word).effects
        assert (effect.id, effect.used_as) == (ids[place], name)
    person = found(workspace, "ann@example.org")
    assert (person.snapshots, [one.name for one in person.models]) == (3, ["ask", "count", "look"])


def test_circles_are_told_once(workspace: Workspace) -> None:
    """Two snapshots that read each other's outputs are two effects, and the picture ends."""
    add(workspace.store, made_of("one", ["x"], ["y"]), made_of("two", ["y"], ["x"]))
    what = found(workspace, blob_of("x").digest)
    assert [one.name for one in what.effects] == ["one", "two"]
    assert what.snapshots == 2
    assert found(workspace, blob_of("y").digest).snapshots == 2
    assert len(impact_graph(what).boxes) == 4


def test_many_effects_are_folded_and_counted(workspace: Workspace) -> None:
    """What is not shown is counted, in page and picture; all rows are there for a program."""
    ids = add(workspace.store, *(made_of("m", ["data"], [f"o{n}"]) for n in range(30)))
    what = found(workspace, blob_of("data").digest)
    assert [row.record for row in what.rows] == ids
    assert (what.snapshots, what.direct, what.more) == (30, 30, False)
    shown = page(workspace, blob_of("data").digest)
    assert f"and {30 - len(what.effects)} more" in shown
    assert f"and {30 - len(what.effects)} more" in [box.title for box in impact_graph(what).boxes]
    assert len(impact_graph(what).boxes) <= 31


def test_an_effect_that_no_record_has_is_an_error(workspace: Workspace) -> None:
    """A link that somebody put into the index is not told as if it were recorded."""
    innocent, _ = add(workspace.store, made_of("innocent"), made_of("user", ["bad"]))
    workspace.store.lineage.catch_up()
    assert isinstance(workspace.store.ledger, SqlLedger)
    with workspace.store.ledger.database.transaction("Changing", writing=True) as connection:
        connection.execute(
            sql(
                "INSERT INTO lineage_edge SELECT f.id, s.id, 'read', 'bad.csv' "
                "FROM lineage_node s, lineage_node f WHERE s.key = :one AND f.key = :bad"
            ),
            {"one": bytes.fromhex(innocent[7:]), "bad": bytes.fromhex(blob_of("bad").digest[7:])},
        )
    with pytest.raises(Corrupt, match="what its record does not say"):
        found(workspace, blob_of("bad").digest)
