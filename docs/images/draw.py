"""Draws ``tour.svg``, the README's picture, from what ``make tour`` really prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
COLUMNS = 112
BEGIN, END = "── 2", "── 5"


def main() -> None:
    """Run the tour in colour and keep the part from the loss to the refusal."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm"}
    tour = subprocess.run(
        [sys.executable, str(HERE.parent.parent / "examples" / "tour.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    shown = tour[tour.index(BEGIN) : tour.index(END)].rstrip()
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115 - lives as long as we do
    console.print(Text.from_ansi(shown))
    svg = console.export_svg(title="make tour")
    # The reader's own monospaced font serves; a picture fetches nothing.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace, DejaVu Sans Mono")
    (HERE / "tour.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
