"""A model card in the layout of the Hugging Face Hub: ``README.md`` with a YAML header."""

from __future__ import annotations

import json
from collections.abc import Iterable

from py_mlops.exports.cyclonedx import model_of
from py_mlops.exports.markdown import code, scalar, table, words
from py_mlops.exports.material import File, Material, hexadecimal
from py_mlops.records import Model

FILE = "README.md"
"""The name by which the Hub looks for a card."""

_MOST = 50
"""So many rows a table has; the other exports list them all."""


def model_card(material: Material) -> bytes:
    """Return the card.

    Intended use, language and risks are not in any record, so they are not in the
    card either: its author adds them.

    Args:
        material: What to tell.

    Returns:
        Markdown in UTF-8.

    Raises:
        InputError: When the snapshot holds no model.
    """
    model = model_of(material)
    sections = [
        ("Model details", _details(material, model)),
        ("Files", _files(material.artifacts)),
        ("Training data", _data(material)),
        ("Training procedure", _procedure(material)),
        ("Evaluation", _evaluation(material)),
        ("Reproduction", _reproduction(material)),
        ("Known limitations", _limitations(material)),
        ("Software", _software(material)),
    ]
    text = "\n".join(f"## {title}\n\n{body}" for title, body in sections if body)
    return f"{_header(material, model)}\n# {words(material.name)}\n\n{text}".encode()


def _header(material: Material, model: Model) -> str:
    lines = ["---", f"model_name: {scalar(material.name)}"]
    if material.licence:
        lines.append(f"license: {scalar(material.licence)}")
    library = model.type.partition(".")[0]
    if library not in {"builtins", "__main__", ""}:
        lines.append(f"library_name: {scalar(library)}")
    tags = ["py-mlops", *(artifact.format for artifact in model.artifacts)]
    lines.append("tags:")
    lines += [f"- {scalar(tag)}" for tag in tags]
    if material.snapshot.metrics:
        lines.append("metrics:")
        lines += [f"- {scalar(name)}" for name in material.snapshot.metrics]
    return "\n".join([*lines, "---", ""])


def _list(items: Iterable[tuple[str, str]]) -> str:
    return "".join(f"- **{label}:** {text}\n" for label, text in items)


def _details(material: Material, model: Model) -> str:
    snapshot = material.snapshot
    told = material.person(snapshot.author)
    who = words(told["name"]) + (f", {code(told['email'])}" if "email" in told else "")
    items = [
        ("Developed by", f"{who} (identified by {words(told['identified by'])})"),
        ("Model type", code(model.type)),
        ("Recorded", code(snapshot.created)),
        ("Snapshot", code(material.snapshot_id)),
        *(("Follows", code(parent)) for parent in snapshot.parents),
    ]
    if model.loaded_from:
        source = code(material.paths.name(model.loaded_from))
        items.append(("Loaded from", f"{source}, not trained in this run"))
    return _list(items)


def _files(files: list[File]) -> str:
    rows = [
        (
            code(str(file.facts["format"])),
            _size(file),
            "yes" if file.facts["executes code when loaded"] else "no",
            _sha256(file),
        )
        for file in files
    ]
    return table(("Format", "Bytes", "Loading can run code", "sha256"), rows) if rows else ""


def _data(material: Material) -> str:
    files = [*material.inputs, *material.answers]
    rows = [(code(file.name), _size(file), _sha256(file)) for file in files[:_MOST]]
    if not rows:
        return ""
    more = len(files) - len(rows)
    rest = f"\nAnd {more:,} more, which the other exports list.\n" if more else ""
    return table(("File or source", "Bytes", "sha256"), rows) + rest


def _procedure(material: Material) -> str:
    snapshot = material.snapshot
    machine = snapshot.environment.hardware
    items = [
        ("Program", f"{snapshot.program.cells} executed cells, {code(_hash(material))}"),
        ("Watched cells ran", f"{material.seconds:g} s"),
        ("Processor", f"{words(machine.processor or machine.machine)}, {machine.cores} cores"),
        *(("Graphics processor", words(name)) for name in machine.gpus),
        ("Hash seed", code(snapshot.randomness.hash_seed)),
    ]
    if snapshot.program.saved and snapshot.program.notebook:
        name = code(material.paths.name(snapshot.program.notebook))
        saved = code(hexadecimal(snapshot.program.saved.digest))
        items.insert(1, ("Notebook as saved", f"{name}, {saved}"))
    rows = [
        (code(name), code(value if isinstance(value, str) else json.dumps(value)))
        for name, value in snapshot.parameters.items()
    ]
    return _list(items) + ("\n" + table(("Parameter", "Value"), rows) if rows else "")


def _hash(material: Material) -> str:
    return hexadecimal(material.snapshot.program.history.digest)


def _evaluation(material: Material) -> str:
    snapshot = material.snapshot
    rows = [(code(name), code(json.dumps(value))) for name, value in snapshot.metrics.items()]
    text = table(("Metric", "Value"), rows) if rows else ""
    if (held := snapshot.holdout) is not None:
        shape = " × ".join(map(str, held.spec.shape))
        text += f"\nHeld-out inputs: {code(held.variable)}, {shape}, {code(held.spec.dtype)}.\n"
    return text.lstrip("\n")


def _reproduction(material: Material) -> str:
    verdict = material.verdict
    if verdict is None:
        return "It has not been rerun.\n"
    items = [
        ("Verdict", f"{words(verdict.level)}. {words(material.paths.told(verdict.reason))}"),
        ("Rerun by", f"{words(verdict.author.name)}, {code(verdict.created)}"),
        ("Record", code(material.verdict_id)),
    ]
    if verdict.cause:
        items.insert(1, ("Likely cause", words(material.paths.told(verdict.cause))))
    rows = [(words(axis.name), words(axis.state)) for axis in verdict.axes]
    return _list(items) + ("\n" + table(("Compared", "Result"), rows) if rows else "")


def _limitations(material: Material) -> str:
    found = list(dict.fromkeys(material.limitations))
    level = f"The training was watched at the level {code(material.snapshot.capture.level)}."
    if not found:
        return f"{level} Nothing is recorded as missing.\n"
    lines = "".join(f"- {words(text)}\n" for text in found[:_MOST])
    more = len(found) - _MOST
    return f"{level}\n\n{lines}" + (f"- And {more:,} more.\n" if more > 0 else "")


def _software(material: Material) -> str:
    python = material.snapshot.environment.interpreter
    told = f"{words(python.implementation)} {words(python.version)}, {words(python.platform)}"
    text = f"{told}; {len(material.packages):,} packages, pinned by {_lock(material)}.\n"
    return text if material.packages else f"{told}.\n"


def _lock(material: Material) -> str:
    return f"a lock with the sha256 {code(hexadecimal(material.snapshot.environment.lock.digest))}"


def _size(file: File) -> str:
    return "" if file.size is None else str(file.size)


def _sha256(file: File) -> str:
    return ", ".join(code(hexadecimal(blob.digest)) for blob in file.blobs)
