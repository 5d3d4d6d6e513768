"""The documents tell the truth: blocks run, links lead somewhere, nothing is left out."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUN = ("README.md", "docs/tutorial.md")
SECONDS = 300

BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^### `mlops (\w+)[^`]*`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A line after ``$`` in a console block, with the output the page promises."""

    line: str
    expected: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        for found in BLOCK.finditer(text)
    ]


def commands(block: Block) -> Iterator[Command]:
    """Split a console block into commands and their outputs."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, expected = part.partition("\n")
        yield Command(line.split("  #")[0].strip(), expected.strip())


def matches(expected: str, actual: str) -> bool:
    """Compare outputs; ``…`` on the page stands for anything, and spacing is not compared."""
    pieces = [re.escape(" ".join(piece.split())) for piece in expected.split("…")]
    return re.search(r"\s*.*?\s*".join(pieces), " ".join(actual.split())) is not None


@pytest.fixture
def desk(tmp_path: Path, store_folder: Path) -> dict[str, str]:
    """Return the environment of somebody who works in an empty folder with our venv on PATH."""
    del tmp_path
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLOPS_STORE": str(store_folder),
        "MLOPS_SIGN": "1",  # as for somebody who has set nothing
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


class Notebook:
    """The page's ``python`` blocks as one saved notebook, open in a kernel as in JupyterLab."""

    def __init__(self, path: Path, cells: list[str], env: dict[str, str]) -> None:
        """Save the notebook and start its kernel, telling it its notebook as Jupyter does."""
        document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        nbformat.write(document, path)
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(env={**env, "JPY_SESSION_NAME": str(path)}, cwd=str(path.parent))
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=SECONDS)

    def execute(self, code: str) -> str:
        """Run a cell and return what it showed as text; a cell that fails fails the test."""
        shown: list[str] = []

        def collect(message: dict[str, dict[str, object]]) -> None:
            content = message["content"]
            data = content.get("data")
            shown.append(str(data.get("text/plain")) if isinstance(data, dict) else "")
            shown.append(str(content.get("text", "")))

        reply = self._client.execute_interactive(code, timeout=SECONDS, output_hook=collect)
        content = reply["content"]
        assert content["status"] == "ok", ANSI.sub("", "\n".join(content.get("traceback", [])))
        text = ANSI.sub("", "\n".join(shown))
        assert re.search(r"^mlops\s+not done", text, re.MULTILINE) is None, text
        return text

    def close(self) -> None:
        """Stop the kernel."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("name", RUN)
def test_every_block_runs(name: str, tmp_path: Path, desk: dict[str, str]) -> None:
    """Every console and python block of the page does what the page says.

    Console blocks run in an empty folder; the lines after a command are its
    output. Python blocks are the cells of one notebook, ``digits.ipynb``, in
    that folder. ``make`` would start these very tests again, so of a ``make``
    command only the target's existence is checked.
    """
    page = blocks(ROOT / name)
    cells = [block.text.strip() for block in page if block.language == "python"]
    assert any(block.language == "console" for block in page)
    notebook = Notebook(tmp_path / "digits.ipynb", cells, desk) if cells else None
    try:
        for block in page:
            if block.language == "python" and notebook is not None:
                notebook.execute(block.text.strip())
            elif block.language == "console":
                for command in commands(block):
                    run_command(command, tmp_path, desk)
    finally:
        if notebook is not None:
            notebook.close()


def run_command(command: Command, folder: Path, env: dict[str, str]) -> None:
    """Run one command of a page and compare its output."""
    if found := re.match(r"make\b\s*(\S*)", command.line):
        assert re.search(rf"^{found[1] or 'help'}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if command.line.startswith(("git clone", "cd ")):
        return
    done = subprocess.run(
        ["bash", "-c", command.line], cwd=folder, env=env, timeout=SECONDS,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    output = ANSI.sub("", done.stdout + done.stderr)
    assert done.returncode == 0, f"$ {command.line}\n{output}"
    assert matches(command.expected, output), f"$ {command.line}\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of ours leads to a file that is there."""
    dead = [
        link
        for link in LINK.findall(BLOCK.sub("", page.read_text()))
        if "://" not in link
        and not link.startswith("#")
        and not (page.parent / link.split("#")[0]).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_are_there(page: Path) -> None:
    """Every path below our own folders that a page names in backticks is there."""
    named = re.findall(r"`((?:py_mlops|tests|docs|requirements)/[\w./-]*)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_command_is_documented() -> None:
    """Every verb of the command line has a section in docs/commands.md that names its options."""
    group = importlib.import_module("py_mlops.cli").main
    assert isinstance(group, click.Group)
    text = (ROOT / "docs" / "commands.md").read_text()
    sections = dict(SECTION.findall(text))
    assert set(sections) == set(group.commands)
    missing = [
        f"{name} {option.opts[-1]}"
        for name, command in group.commands.items()
        for option in command.params
        if isinstance(option, click.Option)
        and not option.hidden
        and option.opts[-1] not in {"--json", "--quiet", "--progress"}
        and not any(f"`{spelling}" in sections[name] for spelling in option.opts)
    ]
    assert missing == []


def test_every_magic_is_documented() -> None:
    """Every verb of ``%mlops`` stands in docs/commands.md, and no other."""
    magics = importlib.import_module("py_mlops.kernel.magics").Magics
    verbs = magics(shell=None, session=None)._verbs
    text = (ROOT / "docs" / "commands.md").read_text()
    assert set(re.findall(r"^\| `%mlops (\w+)", text, re.MULTILINE)) == set(verbs)


def test_every_target_explains_itself() -> None:
    """Every target a person may call is listed by ``make help``."""
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (\w+)$", text, re.MULTILINE))
    assert phony == set(re.findall(r"^(\w+):.*## ", text, re.MULTILINE))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"make {name} " in shown.stdout for name in phony)


def test_decisions_are_numbered() -> None:
    """Decisions are numbered without gaps and name themselves by their number."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert all(page.read_text().startswith(f"# {page.name[:4]}: ") for page in pages)


def test_changelog_fragments() -> None:
    """A changelog fragment is named NUMBER.KIND.md and is not empty."""
    for fragment in (ROOT / "changelog.d").iterdir():
        assert re.fullmatch(r"\d+\.(added|changed|fixed|removed|security)\.md", fragment.name)
        assert fragment.read_text().strip()
