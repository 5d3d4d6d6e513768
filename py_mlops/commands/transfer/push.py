"""Push: bring snapshots into another store, with all they stand on, and move its heads to them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from py_mlops.commands.transfer.moving import Carried, End, Transfer, listed
from py_mlops.errors import HeadMoved, InputError
from py_mlops.progress import Report, silent
from py_mlops.store import Store
from py_mlops.store.reference import MAIN
from py_mlops.workspace import Workspace, open_remote


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        carried: What travelled.
        heads: The heads that were asked for, and the snapshots they point at there.
    """

    carried: Carried
    heads: dict[str, str]


def push(
    workspace: Workspace, remote: str, references: Sequence[str] = (), *, report: Report = silent
) -> Pushed:
    """Bring snapshots into another store.

    With each go its ancestors. Only what the other store lacks travels, and
    what a stopped push has brought is not sent again. A head moves when it
    points at an ancestor of the snapshot, or at nothing.

    Args:
        workspace: Where the snapshots are.
        remote: The other store, see `open_remote`; a folder that is none yet
            becomes one.
        references: Heads, models' names or ids; all heads by default. A head
            moves there as well, an id does not move one.
        report: Told about progress.

    Returns:
        What was done.

    Raises:
        UnknownReference: When nothing goes by a reference; nothing was sent.
        HeadMoved: When a head there has gone another way. The snapshots are
            there, under their ids.
        StoreError: When a store cannot be read or written.
    """
    wanted = {name: workspace.store.resolve(name) for name in references}
    heads = {head: wanted[name] for name in wanted if (head := head_of(workspace.store, name))}
    if not references:
        heads = {
            head: target
            for head, target in workspace.store.ledger.heads().items()
            if listed(workspace.store, target)
        }
        wanted = heads
    if not wanted:
        raise InputError(
            "There is nothing to push: the store has no heads.", hint="Take a snapshot first."
        )
    with closing(open_remote(workspace, remote, create=True)) as store:
        transfer = Transfer(
            End(workspace.store, "your store"),
            End(store, remote),
            author=workspace.author,
            cache=workspace.cache,
            report=report,
            stage="push",
        )
        for identifier in dict.fromkeys(wanted.values()):
            transfer.carry(identifier)
        for head, identifier in heads.items():
            if not transfer.advance(head, identifier, "push"):
                raise _diverged(head, identifier, remote, len(transfer.carried.snapshots))
    return Pushed(transfer.carried, heads)


def head_of(store: Store, reference: str) -> str | None:
    """Return the head that a reference means; ``None`` when it is an id."""
    name = reference if "@" in reference else f"{reference}@{MAIN}"
    return name if store.ledger.head(name) else None


def _diverged(head: str, identifier: str, remote: str, carried: int) -> HeadMoved:
    return HeadMoved(
        f"{head} of {remote} points at a snapshot that yours, {identifier[7:19]}, does not follow; "
        f"it was left there ({carried} new snapshots are there, under their ids).",
        hint=f"Look at it: `mlops pull {remote} {head}`. Then one of you snapshots anew, on top.",
    )
