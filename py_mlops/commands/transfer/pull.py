"""Pull: bring snapshots from another store, with all they stand on, believing nothing unchecked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from py_mlops.commands.transfer.moving import Carried, End, Transfer
from py_mlops.commands.transfer.push import head_of
from py_mlops.errors import Hostile
from py_mlops.progress import Report, silent
from py_mlops.workspace import Workspace, open_remote


@dataclass(frozen=True)
class Pulled:
    """What a pull did.

    Attributes:
        carried: What travelled.
        snapshots: The snapshots asked for, by the references as given.
        heads: One's own heads that point at them now.
        left: Heads that have gone another way and were left where they are.
    """

    carried: Carried
    snapshots: dict[str, str]
    heads: dict[str, str]
    left: tuple[str, ...]


def pull(
    workspace: Workspace, remote: str, references: Sequence[str], *, report: Report = silent
) -> Pulled:
    """Bring snapshots from another store.

    With each come its ancestors. The other store is hostile until every record
    and every byte has been checked; a snapshot gets its row when all it stands
    on is here. One's own head moves when it points at an ancestor, or at nothing.

    Args:
        workspace: Where they go.
        remote: The other store, see `open_remote`.
        references: Heads, models' names or ids, as the other store knows them.
        report: Told about progress.

    Returns:
        What was done.

    Raises:
        UnknownReference: When nothing goes by a reference there; nothing was
            brought.
        Hostile: When a record or a head there is not what it says it is.
        Corrupt, Missing: When bytes there are damaged or gone.
        StoreUnavailable: When a store cannot be read or written.
    """
    with closing(open_remote(workspace, remote, create=False)) as store:
        transfer = Transfer(
            End(store, remote),
            End(workspace.store, "your store"),
            author=workspace.author,
            cache=workspace.cache,
            report=report,
            stage="pull",
        )
        wanted = {name: store.resolve(name) for name in references}
        heads = {head: wanted[name] for name in wanted if (head := head_of(store, name))}
        for head, identifier in heads.items():
            _check_name(transfer, head, identifier, remote)
        for identifier in dict.fromkeys(wanted.values()):
            transfer.carry(identifier)
        moved = {head: to for head, to in heads.items() if transfer.advance(head, to, "pull")}
    return Pulled(transfer.carried, wanted, moved, tuple(sorted(heads.keys() - moved)))


def _check_name(transfer: Transfer, head: str, identifier: str, remote: str) -> None:
    """Refuse a head that points at another model: a name is what people look for."""
    name = transfer.record(identifier).request.name
    if name != head.partition("@")[0]:
        raise Hostile(
            f"{head} of {remote} points at a snapshot of {name!r}.",
            hint="Ask its owner; the snapshot can be pulled by its id.",
        )
