"""Which texts of a session a snapshot would keep, each with the place where a person finds it.

Not among them: data files and the rows and bodies that a database or a server
answered (they are data; not so what a person typed), images and other binary
outputs, installed packages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from py_mlops.errors import NotTrusted
from py_mlops.records.handover import Handover, SeenAnswer
from py_mlops.secrets.scan import Finding, Scan, Text, scan

_READ = ("text/plain", "text/html", "text/markdown", "text/latex", "application/json")
_LISTED = 12
_MOST_TYPED = 1 << 20


def scan_snapshot(
    handover: Handover,
    notebook: Mapping[str, object] | None,
    modules: Iterable[tuple[str, bytes]],
) -> Scan:
    """Look through all that a snapshot would keep of a session, but its data.

    Args:
        handover: What the kernel handed over.
        notebook: The saved notebook's JSON; ``None`` when there is none.
        modules: Loose modules and scripts: path and bytes.

    Returns:
        What was found, and what was too large to look through.
    """
    return scan(_all(handover, notebook, modules))


def refusal(found: Scan) -> NotTrusted:
    """Return the error for a session with secrets in it; it repeats none of them."""
    lines = [str(finding) for finding in found.findings[:_LISTED]]
    more = len(found.findings) - len(lines)
    lines += [f"and {more} more"] if more else []
    one = len(found.findings) == 1
    return NotTrusted(
        f"Nothing was stored: {'this looks like a secret' if one else 'these look like secrets'}. "
        + "; ".join(lines)
        + ".",
        hint='Remove it (read it from the environment: os.environ["NAME"]), restart the kernel '
        "and run the notebook again, or keep it on purpose with --allow-secret REASON.",
    )


def _all(
    handover: Handover,
    notebook: Mapping[str, object] | None,
    modules: Iterable[tuple[str, bytes]],
) -> Iterator[Text]:
    yield from session_texts(handover)
    if notebook is not None:
        yield from notebook_texts(notebook)
    for path, data in modules:
        yield Text(path, data.decode("utf-8", "replace"))


def session_texts(handover: Handover) -> Iterator[Text]:
    """Return what was executed, shown, run as a command, asked from outside and given.

    Args:
        handover: What the kernel handed over.
    """
    for cell in handover.cells:
        yield Text(f"cell [{cell.count}]", cell.source)
        for output in cell.outputs:
            yield Text(f"what cell [{cell.count}] showed", output.text, "shown")
        yield Text(f"the error of cell [{cell.count}]", cell.error or "", "shown")
    for command in handover.commands:
        yield Text(f"a command of cell [{command.cell}]", command.text, "shown")
    for answer in handover.answers:
        asked = {"sql": "a query", "http": "a request", "input": "a prompt"}[answer.kind]
        yield Text(
            f"{asked} of cell [{answer.cell}]", f"{answer.request}\n{answer.source}", "shown"
        )
        if answer.kind == "input":
            yield Text(f"what was typed in cell [{answer.cell}]", _typed(handover, answer))
    for name, value in handover.parameters.items():
        yield Text(f"the parameter {name}", f"{name} = {json.dumps(value)}")


def _typed(handover: Handover, answer: SeenAnswer) -> str:
    """Return what a person answered; it is read as code is, where a token is no data."""
    path = Path(handover.tape) / Path(answer.file).name
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_TYPED).decode("utf-8", "replace")
    except OSError:
        return ""  # taking the answer in says so
    return f"{answer.request} = {json.dumps(text)}"


def notebook_texts(content: Mapping[str, object]) -> Iterator[Text]:
    """Return a saved notebook's cells and the text among their outputs.

    Args:
        content: Its JSON, of format 3 or 4; hostile, so nothing in it is believed.
    """
    for position, cell in enumerate(_cells(content), 1):
        place = f"the saved notebook's cell {position}"
        yield Text(place, _text(cell.get("source", cell.get("input"))))
        for output in _dicts(cell.get("outputs")):
            bundle = output.get("data", output)
            bundle = bundle if isinstance(bundle, dict) else {}
            shown = [output.get("text"), output.get("traceback")]
            shown += [value for mime, value in bundle.items() if mime in _READ]
            for value in shown:
                yield Text(f"the output of {place}", _text(value), "shown")
    metadata = content.get("metadata")
    if metadata:
        yield Text("the saved notebook's metadata", json.dumps(metadata, indent=0), "shown")


def _cells(content: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield from _dicts(content.get("cells"))
    for sheet in _dicts(content.get("worksheets")):  # format 3
        yield from _dicts(sheet.get("cells"))


def _dicts(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        joined = "" if all(isinstance(v, str) and v.endswith("\n") for v in value[:-1]) else "\n"
        return joined.join(item for item in value if isinstance(item, str))
    return json.dumps(value) if isinstance(value, dict) else ""


__all__ = ["Finding", "Scan", "refusal", "scan_snapshot"]
