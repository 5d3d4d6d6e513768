"""Status: what a snapshot taken now would capture, without storing anything."""

from __future__ import annotations

import msgspec

from py_mlops.commands.snapshots.handover import find_notebook
from py_mlops.data.reads import summary
from py_mlops.data.rules import IgnoreRules
from py_mlops.notebook.differences import differences
from py_mlops.records.handover import Handover
from py_mlops.report.lists import status_page
from py_mlops.report.page import Line, Page
from py_mlops.workspace import Workspace


def status(workspace: Workspace, seen: bytes) -> Page:
    """Describe what a snapshot taken now would capture.

    Args:
        workspace: Its settings hold the ignore rules.
        seen: JSON of the session's handover, without any measurement.

    Returns:
        The page.
    """
    handover = msgspec.json.decode(seen, type=Handover)
    rules = IgnoreRules(handover.facts.prefixes, workspace.settings.ignore)
    found = summary(handover, rules)
    path, document = find_notebook(handover)
    facts = handover.facts
    lines = [
        Line("notebook", str(path) if path else "not saved yet", "" if path else "warn"),
        Line("Python", f"{facts.version} on {facts.platform}"),
    ]
    if handover.entry != "console":
        lines += [
            Line(item.kind, item.text, "warn") for item in differences(document, handover.cells)
        ]
    return status_page(found.rows, found.holes, len(handover.cells), lines, handover.level)
