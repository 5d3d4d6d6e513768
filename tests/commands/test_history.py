from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from py_mlops.commands.history import log, newest_verdict, show
from py_mlops.commands.pages import record_page
from py_mlops.errors import UnknownReference
from py_mlops.records import HeadMove, Import, Snapshot, record_id
from py_mlops.report.terminal import text
from py_mlops.workspace import Workspace
from tests.handovers import handover, take
from tests.store.samples import digest, reproduction


@pytest.fixture
def five(workspace: Workspace, tmp_path: Path) -> list[str]:
    """Ids of five snapshots, oldest first; the third is of another model."""
    ids = []
    for number in range(5):
        said = handover(tmp_path, metrics={"accuracy": number / 10})
        if number == 2:
            said["request"] = said["request"] | {"name": "iris"}
        ids.append(take(workspace, tmp_path / f"h{number}", said))
    return ids


def test_an_empty_store_has_an_empty_log(workspace: Workspace) -> None:
    """Nothing is wrong with a store that is new."""
    assert log(workspace) == []
    assert log(workspace, limit=0) == []


def test_pages_follow_one_another_without_gap_or_repetition(
    workspace: Workspace, five: list[str]
) -> None:
    """The next page begins before the last place of this one, newest first."""
    found: list[str] = []
    before = None
    while page := log(workspace, limit=2, before=before):
        assert len(page) <= 2
        found += [one.id for one in page]
        before = page[-1].seq
    assert found == five[::-1]


def test_a_page_stays_the_same_while_others_take_snapshots(
    workspace: Workspace, five: list[str], tmp_path: Path
) -> None:
    """A page is found by its place, not counted off from the end."""
    [newest] = log(workspace, limit=1)
    second = log(workspace, limit=2, before=newest.seq)
    take(workspace, tmp_path / "late", handover(tmp_path, metrics={"accuracy": 1}))
    assert log(workspace, limit=2, before=newest.seq) == second
    assert [one.id for one in second] == [five[3], five[2]]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_empty(workspace: Workspace, five: list[str], limit: int) -> None:
    """Neither zero nor less means everything."""
    assert five
    assert log(workspace, limit=limit) == []
    assert log(workspace, "flowers", limit=limit) == []


def test_one_models_snapshots_are_listed_alone(workspace: Workspace, five: list[str]) -> None:
    """By its very name; behind its last page there is nothing, which is no mistake."""
    assert [one.id for one in log(workspace, "iris")] == [five[2]]
    assert [one.id for one in log(workspace, "flowers")] == [five[4], five[3], five[1], five[0]]
    assert log(workspace, "iris", before=0) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [("flower", "Did you mean flowers?"), ("zzz", "flowers, iris"), ("x" * 500, "flowers, iris")],
)
def test_a_name_that_no_snapshot_has_is_told(
    workspace: Workspace, five: list[str], name: str, hint: str
) -> None:
    """An empty table would look as if the model had never been kept."""
    assert five
    with pytest.raises(UnknownReference) as caught:
        log(workspace, name)
    assert name[:80] in caught.value.message
    assert hint in caught.value.hint


def test_in_an_empty_store_the_hint_says_how_to_begin(workspace: Workspace) -> None:
    """There is no name to propose."""
    with pytest.raises(UnknownReference) as caught:
        log(workspace, "flowers")
    assert "take a snapshot" in caught.value.hint


def test_a_model_that_only_came_in_a_bundle_is_known_by_name(
    workspace: Workspace, five: list[str]
) -> None:
    """It has no head here, but it has a row."""
    theirs = msgspec.structs.replace(
        workspace.store.get_as(five[0], Snapshot),
        request=msgspec.structs.replace(
            workspace.store.get_as(five[0], Snapshot).request, name="orchids"
        ),
    )
    workspace.store.add(theirs)
    assert [one.id for one in log(workspace, "orchids")] == [record_id(theirs)]
    with pytest.raises(UnknownReference) as caught:
        log(workspace, "orchid")
    assert "orchids" in caught.value.hint


def test_the_newest_verdict_is_the_one_shown(workspace: Workspace, five: list[str]) -> None:
    """A snapshot that was rerun twice shows how it went last."""
    assert newest_verdict(workspace, five[0]) is None
    for reason in ("first", "second"):
        verdict = msgspec.structs.replace(reproduction(five[0]), reason=reason)
        workspace.store.add(verdict)
    found = newest_verdict(workspace, five[0])
    assert found is not None
    assert found.reason == "second"
    shown = {one.id: one.verdict for one in log(workspace)}
    assert shown[five[0]] == found
    assert shown[five[1]] is None


def test_any_record_can_be_shown_as_a_page(workspace: Workspace, five: list[str]) -> None:
    """A snapshot by name or by an id's beginning, a verdict, a head's move, an import."""
    identifier, record = show(workspace, "flowers")
    assert (identifier, record) == (five[4], workspace.store.get(five[4]))
    assert show(workspace, five[1][7:20])[0] == five[1]
    verdict = reproduction(five[4])
    came = Import(
        snapshot=five[4], bundle=digest("b"), created=verdict.created, author=verdict.author
    )
    workspace.store.add(verdict)
    workspace.store.add(came)
    move = workspace.store.ledger.newest(kind="head-move")[0].record
    for wanted, kind, words in (
        (record_id(verdict), type(verdict), ["flowers", "No interpreter."]),
        (record_id(came), Import, ["import", five[4][7:19]]),
        (move, HeadMove, ["flowers@main", five[4][7:19]]),
    ):
        identifier, record = show(workspace, wanted[7:19])
        assert isinstance(record, kind)
        page = text(record_page(workspace, identifier, record, None))
        for word in words:
            assert word in page


def test_an_unknown_record_is_met_with_near_names(workspace: Workspace, five: list[str]) -> None:
    """The person sees what they may have meant."""
    assert five
    with pytest.raises(UnknownReference) as caught:
        show(workspace, "flowerz")
    assert "flowers" in caught.value.hint
