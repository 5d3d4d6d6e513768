"""What a session used without our seeing its bytes: the network, shell commands, native readers."""

from __future__ import annotations

from collections.abc import Iterator

from py_mlops.records import Hole
from py_mlops.records.handover import Handover

_SHOWN = 120


def unseen(handover: Handover) -> list[Hole]:
    """List what was used but not captured at this capture level.

    Args:
        handover: What the kernel saw.

    Returns:
        The holes.
    """
    return [*_connections(handover), *_commands(handover), *_blind(handover)]


def _connections(handover: Handover) -> Iterator[Hole]:
    peers = {(item.host, item.port): item.cell for item in reversed(handover.connections)}
    for (host, port), cell in reversed(peers.items()):
        yield Hole(
            kind="network",
            text=f"The program talked to {host}:{port}; what it was answered is not in the "
            "snapshot.",
            hint="Save the answer to a file and read that, so that it can be kept.",
            cell=cell,
            blocking=True,
        )


def _commands(handover: Handover) -> Iterator[Hole]:
    for item in handover.commands:
        yield Hole(
            kind="shell",
            text=f"What `{item.text[:_SHOWN]}` read and wrote was not seen, except for files "
            "named in it.",
            hint="Read its files once from Python too, if the rerun needs them.",
            cell=item.cell,
            blocking=False,
        )


def _blind(handover: Handover) -> Iterator[Hole]:
    if handover.blind:
        names = ", ".join(handover.blind)
        yield Hole(
            kind="data",
            text=f"{names} can read files without Python seeing it; files whose names stand in "
            "the code were captured.",
            hint="Write the names of their files as plain text in the code.",
            cell=0,
            blocking=False,
        )
