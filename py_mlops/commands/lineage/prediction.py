"""Tells of one logged prediction: what was asked and answered, and which model was to serve."""

from __future__ import annotations

from typing import Any

import msgspec

from py_mlops.commands.lineage.moves import moves
from py_mlops.errors import UnknownReference
from py_mlops.predictions import Found
from py_mlops.records import PredictionSegment
from py_mlops.report.page import Line, Section, on_one_line, short
from py_mlops.workspace import Workspace

_LONGEST = 200


def answered(workspace: Workspace, found: Found) -> Section:
    """Describe a prediction.

    Args:
        workspace: The store, for what its log's head pointed at then.
        found: The prediction; that it is what was logged was checked when it was found.
    """
    said = found.prediction
    place = f"row {found.row} of segment {short(found.segment)}, as it was committed to"
    return Section(
        "The prediction",
        (
            Line("when", said.time),
            Line("asked", _json(said.inputs)),
            Line("answered", _json(said.outputs)),
            Line("by", f"snapshot {short(said.snapshot)}"),
            Line("logged", place),
            *_serving(workspace, found),
        ),
    )


def _serving(workspace: Workspace, found: Found) -> list[Line]:
    """Say whether the head that the log is named after pointed at that model then."""
    log = workspace.store.get_as(found.segment, PredictionSegment).log
    try:
        held = moves(workspace, log, at=found.prediction.time)
    except UnknownReference:
        return [Line("log", on_one_line(log))]
    if not held.moves:
        return [Line(on_one_line(log), "did not exist then", "warn")]
    move = held.moves[0].move
    if move.target != found.prediction.snapshot:
        text = f"pointed at {short(move.target)} then: another model was to serve"
        return [Line(on_one_line(log), text, "warn")]
    text = f"pointed at it then, since {move.created}, by {on_one_line(move.author.name)}"
    return [Line(on_one_line(log), text, "good")]


def _json(value: Any) -> str:
    text = on_one_line(msgspec.json.encode(value).decode())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
