"""Tells of a snapshot in other standards' words: pure functions from records to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from py_mlops.exports import cyclonedx, in_toto, model_card, openlineage, ro_crate
from py_mlops.exports.material import Material


@dataclass(frozen=True)
class Standard:
    """A standard that a snapshot can be told in.

    Attributes:
        title: Its name and version.
        file: The file name by which its readers look for it, or that it usually has.
        export: Makes the file's bytes.
    """

    title: str
    file: str
    export: Callable[[Material], bytes]


STANDARDS = {
    "in-toto": Standard(
        "in-toto Statement v1 with SLSA Provenance v1", "provenance.intoto.json", in_toto.in_toto
    ),
    "ro-crate": Standard("RO-Crate 1.1, Process Run Crate 0.5", ro_crate.FILE, ro_crate.ro_crate),
    "openlineage": Standard(
        "OpenLineage 2-0-2 run events", "openlineage.ndjson", openlineage.openlineage
    ),
    "cyclonedx": Standard("CycloneDX 1.6 ML-BOM", "bom.cdx.json", cyclonedx.cyclonedx),
    "model-card": Standard("Hugging Face model card", model_card.FILE, model_card.model_card),
}
"""The standards by the word with which a person asks for them."""

__all__ = ["STANDARDS", "Material", "Standard"]
