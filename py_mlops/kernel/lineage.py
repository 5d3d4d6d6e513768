"""``%mlops explain``, ``impact`` and ``history``: parse the line, call a command, make the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_mlops.guest.request import LineParser

if TYPE_CHECKING:
    from py_mlops.progress import Report
    from py_mlops.report.page import Page
    from py_mlops.workspace import Workspace


def explain(workspace: Workspace, line: str, report: Report) -> Page:
    """Answer ``%mlops explain WHAT``."""
    what = _what("explain", line)
    from py_mlops.commands.lineage.explain import explain
    from py_mlops.commands.lineage.pages import explanation_page
    from py_mlops.commands.lineage.subject import find_subject

    subject = find_subject(workspace, what, report=report)
    return explanation_page(workspace, explain(workspace, subject, report=report))


def impact(workspace: Workspace, line: str, report: Report) -> Page:
    """Answer ``%mlops impact WHAT``."""
    what = _what("impact", line)
    from py_mlops.commands.lineage.impact import impact
    from py_mlops.commands.lineage.pages import impact_page
    from py_mlops.commands.lineage.subject import find_subject

    subject = find_subject(workspace, what, report=report)
    return impact_page(impact(workspace, subject, report=report))


def history(workspace: Workspace, line: str) -> Page:
    """Answer ``%mlops history HEAD``."""
    usage = "%mlops history HEAD [--at TIME] [-n COUNT] [--before PLACE]"
    parser = LineParser("%mlops history", usage)
    parser.add_argument("head")
    parser.add_argument("--at")
    parser.add_argument("-n", "--limit", type=int, default=20)
    parser.add_argument("--before", type=int)
    words = parser.read(line)
    from py_mlops.commands.lineage.moves import moves
    from py_mlops.commands.lineage.pages import moves_page

    found = moves(workspace, words.head, at=words.at, limit=words.limit, before=words.before)
    more = ""
    if words.at is None and found.moves and len(found.moves) == words.limit:
        more = f"More: %mlops history {words.head} --before {found.moves[-1].seq}"
    return moves_page(found, more)


def _what(verb: str, line: str) -> str:
    parser = LineParser(f"%mlops {verb}", f"%mlops {verb} WHAT")
    parser.add_argument("what")
    return str(parser.read(line).what)
