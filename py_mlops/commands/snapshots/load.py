"""Load: give back the model of a snapshot, the safest way there is."""

from __future__ import annotations

from collections.abc import Callable

from py_mlops.errors import InputError, NotTrusted
from py_mlops.model import formats
from py_mlops.records import Snapshot
from py_mlops.workspace import Workspace


def refuse(question: str) -> bool:
    """Answer no to every question; for callers with nobody to ask."""
    del question
    return False


def load(
    workspace: Workspace, snapshot_id: str, *, allow: Callable[[str], bool] = refuse
) -> object:
    """Load a snapshot's model.

    A format that cannot execute code is preferred. A pickle, or types outside
    our allow-list, are loaded only when ``allow`` says yes to the question.

    Args:
        workspace: Where it is.
        snapshot_id: The snapshot's whole id.
        allow: Asked before anything is loaded that can run code.

    Returns:
        The model.

    Raises:
        InputError: When the snapshot has no model.
        NotTrusted: When the answer was no.
        EnvironmentFailure: When the model's library is not installed here.
        Corrupt, Missing: When its bytes are damaged or gone.
    """
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    if snapshot.model is None or not snapshot.model.artifacts:
        raise InputError(
            f"Snapshot {snapshot_id[7:19]} of {snapshot.request.name} holds no model.",
            hint="Name it when you take the snapshot: --model with the variable's name.",
        )

    def ask(question: str) -> bool:
        return allow(f"{snapshot.author.name} made this model. {question}")

    try:
        return formats.load(snapshot.model, workspace.store.blobs, allow=ask)
    except NotTrusted as error:
        raise NotTrusted(
            f"{snapshot.request.name} by {snapshot.author.name}: {error.message}", hint=error.hint
        ) from error
