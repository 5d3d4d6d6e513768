"""Disclosure: nothing that looks like a secret goes into a record unless its author says why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from py_mlops.notebook.document import Document
from py_mlops.records import AllowedSecret, Hole
from py_mlops.records.handover import Handover
from py_mlops.secrets.texts import refusal, scan_snapshot

_LARGEST = 8 << 20
_PRAGMA = "# pragma: allowlist secret"


def look_for_secrets(
    handover: Handover,
    document: Document | None,
    allow: str,
    trees: Iterable[tuple[str, bytes]] = (),
    *,
    folder: Path | None = None,
) -> tuple[list[AllowedSecret], list[Hole]]:
    """Look through what a snapshot would keep, before anything of it is stored.

    Args:
        handover: What the kernel handed over.
        document: The saved notebook.
        allow: Why what looks like a secret may be kept; empty when it may not.
        trees: Texts of packages of the user's own that are kept: name and bytes.
        folder: The handover's, with the copies of modules and scripts as they were read.

    Returns:
        What is kept on purpose, and a hole for each text that was too large to
        be looked through.

    Raises:
        NotTrusted: When something looks like a secret and none is allowed.
    """
    modules = [
        (module.path, path.read_bytes())
        for module in handover.modules
        if (path := Path(module.path)).is_file() and path.stat().st_size <= _LARGEST
    ]
    versions = [
        (seen.path, path.read_bytes())
        for seen in handover.files
        if folder is not None and seen.kept and seen.path.endswith(".py")
        if (path := folder / seen.kept).stat().st_size <= _LARGEST
    ]
    texts = [*modules, *versions, *trees]
    found = scan_snapshot(handover, document.content if document else None, texts)
    if found.findings and not allow.strip():
        raise refusal(found)
    secrets = [
        AllowedSecret(place=item.place, kind=item.kind, reason=reason)
        for reason, items in ((allow.strip(), found.findings), (_PRAGMA, found.allowed))
        for item in items
    ]
    holes = [
        Hole(
            kind="program",
            text=f"{place} is too large to be searched for secrets.",
            hint="Look through it yourself before you give this snapshot to anybody.",
            cell=0,
            blocking=False,
        )
        for place in found.unscanned
    ]
    return secrets, holes
