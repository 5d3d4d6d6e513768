"""The one event that the server sends: something changed, ask for it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jupyter_events import EventLogger

CHANGED = "https://py-mlops.dev/events/changed"
"""The id of the event's schema."""

_SCHEMA = Path(__file__).with_name("changed.yaml")


def register(logger: EventLogger) -> None:
    """Make the event known to a server's event logger; the second time nothing happens."""
    if CHANGED not in logger.schemas:
        logger.register_event_schema(_SCHEMA)


def emit(logger: EventLogger, kind: Literal["store", "job"], identifier: str) -> None:
    """Tell whoever listens that something changed.

    Args:
        logger: The server's.
        kind: What.
        identifier: Which, see the schema.
    """
    logger.emit(schema_id=CHANGED, data={"kind": kind, "id": identifier})
