from __future__ import annotations

import pytest

from py_mlops.commands.lineage.moves import moves
from py_mlops.commands.lineage.pages import moves_page
from py_mlops.errors import InputError, UnknownReference
from py_mlops.records import Author, HeadMove
from py_mlops.report.terminal import text
from py_mlops.workspace import Workspace
from tests.store.lineages import add, made_of
from tests.store.samples import ANN

BOB = Author(name="Bob", email=None, source="unverified")
HEAD = "m@production"


@pytest.fixture
def ids(workspace: Workspace) -> list[str]:
    """Three snapshots; a head pointed at each of them for a day."""
    found = add(workspace.store, *(made_of("m", [f"{number}"]) for number in range(3)))
    move(workspace, None, found[0], "2026-03-01T12:00:00.000000Z")
    move(workspace, found[0], found[1], "2026-03-02T12:00:00.000000Z", BOB, "better\nfake line")
    move(workspace, found[1], found[2], "2026-03-03T12:00:00.000000Z")
    return found


def move(
    workspace: Workspace,
    previous: str | None,
    target: str,
    created: str,
    author: Author = ANN,
    reason: str = "release",
) -> None:
    """Move the head."""
    workspace.store.add(
        HeadMove(
            head=HEAD,
            previous=previous,
            target=target,
            created=created,
            author=author,
            reason=reason,
        )
    )


@pytest.mark.parametrize(
    ("at", "place"),
    [
        ("2026-03-01", None),
        ("2026-03-01T12:00", 0),
        ("2026-03-01 23:59:59.999", 0),
        ("2026-03-02T13:59+02:00", 0),
        ("2026-03-02T14:00+02:00", 1),
        ("2026-03-02T12:00:00Z", 1),
        ("2030-01-01", 2),
    ],
)
def test_what_a_head_pointed_at_is_told_for_any_time(
    workspace: Workspace, ids: list[str], at: str, place: int | None
) -> None:
    """Zones count, UTC is meant without one; before its first move it pointed at nothing."""
    found = moves(workspace, HEAD, at=at)
    assert [one.move.target for one in found.moves] == ([] if place is None else [ids[place]])
    shown = text(moves_page(found, ""), width=160)
    assert ("pointed at nothing" if place is None else ids[place][7:19]) in shown
    assert found.doubt == ""


def test_the_moves_are_listed_with_who_when_and_why(workspace: Workspace, ids: list[str]) -> None:
    """Newest first, each with when it ended; a page goes on where the last one stopped."""
    found = moves(workspace, HEAD)
    assert [one.move.target for one in found.moves] == ids[::-1]
    assert [one.until[:10] for one in found.moves] == ["", "2026-03-03", "2026-03-02"]
    shown = text(moves_page(found, "More: …"), width=160)
    assert "Bob (unverified)" in shown
    assert "better\\nfake line" in shown
    older = moves(workspace, HEAD, limit=1, before=found.moves[1].seq)
    assert [(one.move.target, one.until[:10]) for one in older.moves] == [(ids[0], "2026-03-02")]


def test_clocks_that_disagree_are_told(workspace: Workspace, ids: list[str]) -> None:
    """Where a later move bears an earlier time the log's order counts, and that is said."""
    move(workspace, ids[2], ids[0], "2026-03-02T18:00:00.000000Z", BOB)
    found = moves(workspace, HEAD, at="2026-03-02T20:00")
    assert found.moves[0].move.target == ids[0]
    assert "Clocks disagreed" in found.doubt
    assert "Clocks disagreed" in text(moves_page(found, ""), width=160)


def test_what_cannot_be_answered_says_why(workspace: Workspace, ids: list[str]) -> None:
    """An unknown head names those there are; a moment that is none shows how to write one."""
    assert ids
    with pytest.raises(UnknownReference) as caught:
        moves(workspace, "m")
    assert HEAD in caught.value.hint
    for at in ("yesterday", "2026-13-01", "", "9999-12-31T23:59-14:00"):
        with pytest.raises(InputError, match="no moment"):
            moves(workspace, HEAD, at=at)
