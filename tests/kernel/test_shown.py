"""What the magics show, in one real kernel, and what is left of it in the saved notebook."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbconvert.preprocessors.sanitize import SanitizeHTML

from tests.projects import TRAINING, flowers, write_notebook

TAKE = "%mlops snapshot flowers --model clf --metric accuracy --metric drift --holdout X_test"
CELLS = [
    *TRAINING[:-1],
    f"drift = 0.5\n{TAKE}",
    f"import time\ndrift = 0.25 + time.time() % 1 / 1000\n{TAKE}",
    "%mlops reproduce flowers",
    "%mlops status",
    "%mlops log",
    "%mlops log flowers",
    "%mlops show flowers",
    "%mlops history flowers",
    "%mlops explain flowers",
    "%mlops impact data/flowers.csv",
    "%mlops diff flowers flowers",
    "%mlops snapshot ../flowers",
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook that was run from its first cell to its last in one kernel, and saved."""
    folder = tmp_path_factory.mktemp("shown")
    flowers(folder)
    path = write_notebook(folder / "flowers.ipynb", CELLS)
    notebook = nbformat.read(path, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_STORE", str(folder / "store"))
        patch.setenv("JPY_SESSION_NAME", str(path))
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": folder}}).execute()
    nbformat.write(notebook, path)
    return notebook


def bundle(saved: Any, line: str, place: int = 0) -> dict[str, str]:
    """Return what one of the cells with that magic showed at last."""
    cells = [cell for cell in saved.cells if line in cell.source.splitlines()]
    shown = [one.data for one in cells[place].outputs if "data" in one]
    assert len(shown) == 1
    return dict(shown[0])


class Words(HTMLParser):
    """The words of a page, without its style and drawings; cell by cell of its tables."""

    def __init__(self, source: str) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser gives them
        if tag == "br":
            self.handle_data(" ")
            return
        self._open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            del self._open[len(self._open) - self._open[::-1].index(tag) - 1 :]

    def handle_data(self, data: str) -> None:
        if {"svg", "style"} & set(self._open):
            return
        self.words += data.split()
        if {"td", "th"} & set(self._open) and "details" not in self._open:
            self.cells[-1] += data


def converted(saved: Any, **options: Any) -> str:
    """Return the saved notebook as nbconvert makes a page of it."""
    exporter = HTMLExporter(**options)
    return str(exporter.from_notebook_node(saved)[0])


def test_every_magic_shows_html_and_text(saved: Any) -> None:
    """A front end takes what it can; nothing is on stderr, and nothing needs a kernel."""
    for line in [TAKE, *CELLS[7:]]:
        shown = bundle(saved, line)
        assert set(shown) == {"text/html", "text/plain"}
        assert "<script" not in shown["text/html"]
        assert "mlops itself" not in shown["text/plain"]
    streams = [one for cell in saved.cells for one in cell.outputs if one.get("name") == "stderr"]
    assert streams == []


def test_both_forms_say_the_same(saved: Any) -> None:
    """Each word of the text is in the page, and each cell of the page's tables in the text."""
    for line in [TAKE, *CELLS[7:]]:
        shown = bundle(saved, line)
        page = Words(shown["text/html"])
        together = "".join(page.words)
        said = shown["text/plain"].split()
        assert {word for word in said if word not in together} <= {"·"}, line
        words = {word for cell in page.cells for word in cell.split() if len(word) <= 12}
        assert words - set(said) - {"✓", "!", "✗"} == set(), line


@pytest.mark.parametrize("form", ["text/html", "text/plain"])
def test_a_snapshot_shows_what_it_captured(saved: Any, form: str) -> None:
    """Numbers beside those of the snapshot before, model, data, module, and the next step."""
    first, second = (bundle(saved, TAKE, place)[form] for place in (0, 1))
    for word in ("captured", "accuracy", "LogisticRegression", "data/flowers.csv", "scaling.py"):
        assert word in first
    assert "mlops reproduce" in first
    assert "before" not in first.partition("Results")[0]
    for word in ("before", "change", "-0.2"):
        assert word in second


@pytest.mark.parametrize("form", ["text/html", "text/plain"])
def test_a_verdict_shows_claimed_and_rerun_numbers(saved: Any, form: str) -> None:
    """The word with its mark, each metric then and now with its outcome, the axes, what next."""
    shown = bundle(saved, "%mlops reproduce flowers")[form]
    assert "! within tolerance" in shown
    for word in ("✓ same", "! close", "recorded", "rerun", "environment", "--calibrate"):
        assert word in shown
    assert shown.index("recorded") < shown.index("Axis by axis")
    assert "! reproduced: within tolerance" in bundle(saved, "%mlops show flowers")[form]


def test_the_log_of_a_model_draws_its_metrics(saved: Any) -> None:
    """A chart a metric; newest, change and the rerun's number in words; head and verdict."""
    shown = bundle(saved, "%mlops log flowers")
    page = shown["text/html"]
    assert re.findall('aria-label="([a-z]+) over 2 snapshots', page) == ["accuracy", "drift"]
    assert page.count('class="warn" d=') == page.count('class="head" cx=') == 2
    for word in ("newest", "change", "(rerun", "flowers@main", "! within tolerance", "never"):
        assert word in page
        assert word in shown["text/plain"]
    assert "█▁" in shown["text/plain"]
    assert "<svg" not in bundle(saved, "%mlops log")["text/html"]


def test_lineage_has_its_drawing_and_says_it_in_words(saved: Any) -> None:
    """Where it comes from, what it went into, where its head pointed."""
    for line, words in {
        "%mlops explain flowers": ("data/flowers.csv", "no snapshot here made it: raw"),
        "%mlops impact data/flowers.csv": ("used by 2 snapshots", "flowers@main"),
    }.items():
        shown = bundle(saved, line)
        assert "mlops-graph" in shown["text/html"]
        assert all(word in shown["text/plain"] for word in words)
    moved = bundle(saved, "%mlops history flowers")["text/plain"]
    assert moved.count("Ada Tester") == 2
    assert " now " in moved


def test_the_saved_notebook_shows_it_without_us(saved: Any) -> None:
    """It is valid, and the page made of it has the verdict and the charts."""
    nbformat.validate(saved)
    page = converted(saved)
    assert page.count('class="mlops-chart"') == 2
    assert "! within tolerance" in page


def test_a_sanitiser_leaves_tables_that_can_be_read(saved: Any) -> None:
    """Where style and drawings are taken away, as GitHub does, rows, marks and words stay."""
    tags = [
        "div", "h4", "h5", "strong", "span", "table", "thead", "tbody", "tr", "th", "td",
        "details", "summary", "small", "br", "figure", "figcaption",
    ]  # fmt: skip
    cleaner = SanitizeHTML(tags=tags, attributes={}, strip=True)
    page = bundle(saved, "%mlops log flowers")["text/html"]
    unstyled = re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)
    bare = cleaner.sanitize_html_tags(unstyled)
    assert "<svg" not in bare
    assert "class=" not in bare
    assert "<td>! within tolerance</td>" in bare
    assert "<td>█▁</td>" in bare
    tables, _, drawn = bare.rpartition("</table>")
    assert "never rerun; " in drawn
    assert "never rerun; " not in tables
