"""Figures: the images of a snapshot's saved notebook."""

from __future__ import annotations

from py_mlops.commands.catalogue.inspect import the_snapshot
from py_mlops.errors import MlopsError, UnknownReference
from py_mlops.notebook.document import parse
from py_mlops.notebook.figures import Image, images
from py_mlops.records import Snapshot
from py_mlops.workspace import Workspace

_LARGEST = 64 * 1024 * 1024
_MOST = 200


def figures(workspace: Workspace, snapshot: Snapshot) -> list[Image]:
    """Return the images of a snapshot's saved notebook, in order, at most 200.

    Args:
        workspace: The store.
        snapshot: The snapshot.

    Returns:
        The images; none when the notebook was not saved, or is no notebook.
    """
    saved = snapshot.program.saved
    if saved is None or saved.size > _LARGEST:
        return []
    data = workspace.store.blobs.read(saved.digest)
    try:
        return [image for image, _ in zip(images(parse(data)), range(_MOST), strict=False)]
    except MlopsError:
        return []


def figure_of(workspace: Workspace, identifier: str, digest: str) -> tuple[str, bytes]:
    """Return one image of a snapshot's saved notebook.

    Args:
        workspace: The store.
        identifier: The snapshot's whole id.
        digest: The image's digest.

    Returns:
        Its MIME type and its bytes.

    Raises:
        UnknownReference: When the notebook shows no such image.
    """
    for image in figures(workspace, the_snapshot(workspace, identifier)):
        if image.digest == digest:
            return image.mime, image.data
    raise UnknownReference(
        f"Snapshot {identifier[7:19]} shows no image {digest[7:19]}.", hint="Reload the page."
    )
