"""Asks the Python that has our package for an answer, and shows it in this kernel."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from typing import Any, Callable

from .problem import Problem
from .started import PYTHON, own_environment

_PATIENCE = 0.7
_SHOWN = 2000


class Shown:
    """What one magic shows: a line of progress when it takes long, then the answer.

    The answer is an output of its own: clients that only read (``jupyter run``, ``jupyter
    console``) take no notice of what is put in an output's place.
    """

    def __init__(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._handle: Any = None

    def line(self, text: str) -> None:
        """Show how far it is, once that has taken longer than a person notices."""
        if text and time.monotonic() - self._began >= _PATIENCE:
            from IPython.display import display

            said = {"text/plain": "mlops: " + text}
            if self._handle is None:
                self._handle = display(said, raw=True, display_id=True)
            else:
                self._handle.update(said, raw=True)

    def problem(self, message: str, hint: str) -> None:
        """Show what cannot be done, and what to do next."""
        self.bundle({"text/plain": f"mlops  not done\n  {message}\n" + (hint and f"→ {hint}")})

    def bundle(self, data: dict[str, str]) -> None:
        """Show data by MIME type; what told how far it was goes."""
        from IPython.display import display

        if self._handle is not None:
            self._handle.update({}, raw=True)
            self._handle = None
        display(data, raw=True)


def ask(folder: str, shown: Shown) -> dict[str, Any]:
    """Run ``mlops answer FOLDER`` and show what it answers.

    Args:
        folder: Holds the magic's line, and for some verbs a handover.
        shown: Told how far the work is, and shows the answer.

    Returns:
        The answer: ``text``, ``html`` and for a new snapshot its ``id``.

    Raises:
        Problem: When there is nobody to ask, or no answer came.
    """
    python = os.environ.get(PYTHON)
    if not python:
        raise Problem(
            "Our package is not installed in this kernel, and nobody who has it started it.",
            "Install py-mlops into this environment and restart the kernel.",
        )
    answer, last = _run([python, "-P", "-m", "py_mlops", "answer", folder], shown)
    if answer is None:
        raise Problem(
            f"The answer did not come: {last or 'no word was said'}",
            "Try it in a terminal, with `mlops` in the place of `%mlops`.",
        )
    shown.bundle({"text/plain": str(answer["text"]), "text/html": str(answer["html"])})
    return answer


def _run(argv: list[str], shown: Shown) -> tuple[dict[str, Any] | None, str]:
    with tempfile.TemporaryFile() as result:
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=result, stderr=subprocess.PIPE,
                env=own_environment(), encoding="utf-8", errors="replace",
            )  # fmt: skip
        except OSError as error:
            return None, str(error)
        with process:
            last = follow(process, shown.line)
        result.seek(0)
        said = result.read().decode("utf-8", "replace")
    try:
        answer = json.loads(said)
        whole = "text" in answer and "html" in answer
    except (TypeError, ValueError):
        return None, said[:_SHOWN].strip() or last
    return (answer, last) if whole else (None, last)


def follow(process: Any, show: Callable[[str], None]) -> str:
    """Show the lines of a process of ours as they come; end it when the person interrupts.

    Args:
        process: Its ``stderr`` is a pipe of text.
        show: Told each line, without its end.

    Returns:
        The last line that said something.
    """
    last = ""
    try:
        for text in process.stderr:
            last = text.strip() or last
            show(last)
    except KeyboardInterrupt:
        process.terminate()
        raise
    return last
