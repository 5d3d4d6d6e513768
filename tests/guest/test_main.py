from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from py_mlops.notebook.execution import KernelCommand, execute
from py_mlops.notebook.ship import guest_zip

LOOKS = """
import sys
places = [path for path in sys.path]
own = sys.modules["__main__"].__dict__ is globals()
environment = sorted(name for name in sys.modules if "mlops" in name.split(".")[0])
places, sys.argv[0], len(sys.argv), own, __name__, [m for m in environment if m == "py_mlops"]
"""
SPAWNS = """
import multiprocessing, pickle
class Model:
    def __init__(self): self.weight = 3
with multiprocessing.get_context("spawn").Pool(1) as pool:
    lengths = pool.map(len, ["ab"])
lengths, pickle.loads(pickle.dumps(Model())).weight, Model.__module__
"""
CELLS = """
session = sys.modules["mlops_guest.session"].current()
[(cell["count"], cell["watched"], cell["source"][:5]) for cell in session._cells.cells()]
"""


def values(argv: list[str], folder: Path, *sources: str, **environ: str) -> list[Any]:
    """Run cells in a kernel started by a command line and return their results."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    cells = [new_code_cell(text, id=f"c{number}") for number, text in enumerate(sources)]
    kernel = KernelCommand(argv=[*argv, "-f", "{connection_file}"], env=env | environ)
    done = execute(new_notebook(cells=cells), kernel=kernel, directory=folder)
    assert done.failed is None, done.failed
    return [ast.literal_eval(cell.outputs[-1].data["text/plain"]) for cell in done.notebook.cells]


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command line that starts an observed kernel."""
    return [sys.executable, str(guest_zip(tmp_path_factory.mktemp("cache"))), "--mode"]


def test_an_observed_kernel_is_an_ordinary_kernel(tmp_path: Path, guest: list[str]) -> None:
    """Path, arguments, main module, pickles and child processes are those of any kernel."""
    plain = [sys.executable, "-m", "ipykernel_launcher"]
    assert values([*guest, "record"], tmp_path, LOOKS, SPAWNS) == values(
        plain, tmp_path, LOOKS, SPAWNS
    )


def test_every_cell_is_watched_from_the_start(tmp_path: Path, guest: list[str]) -> None:
    """Nothing has to be loaded: the first cell is watched already."""
    _, seen = values([*guest, "record"], tmp_path, "import sys\n1", CELLS)
    assert seen == [(1, True, "impor"), (2, True, "\nsess")]


def test_the_connection_file_is_no_input(tmp_path: Path, guest: list[str]) -> None:
    """The file that tells the kernel its ports is gone with it, and so no input of a notebook."""
    source = "import sys\nsys.modules['mlops_guest.observe'].observer().files()"
    assert values([*guest, "record"], tmp_path, source) == [[]]


def test_a_rerun_answers_for_us(tmp_path: Path, guest: list[str]) -> None:
    """In a rerun our magics work without our package, and do nothing."""
    source = "%load_ext py_mlops\n%mlops snapshot digits --model clf\n1"
    assert values([*guest, "rerun"], tmp_path, source) == [1]


def test_a_guest_that_fails_leaves_a_kernel(tmp_path: Path) -> None:
    """When our own part cannot start, the user's kernel does."""
    broken = tmp_path / "mlops_guest"
    broken.mkdir()
    source = Path(__file__).parents[2] / "py_mlops" / "guest" / "__main__.py"
    (broken / "__main__.py").write_bytes(source.read_bytes())
    (broken / "__init__.py").write_text("")
    (broken / "observe.py").write_text("raise OSError('broken')")
    (tmp_path / "start.py").write_text("from mlops_guest.__main__ import main\nmain()\n")
    assert values([sys.executable, str(tmp_path / "start.py")], tmp_path, "1 + 1") == [2]


def test_names_across_cells_and_folders(tmp_path: Path, guest: list[str]) -> None:
    """A file named by a variable of an earlier cell, or after a change of folder, is an input."""
    (tmp_path / "data").mkdir()
    for name in ("a.parquet", "b.parquet"):
        (tmp_path / "data" / name).write_text("x")
    request: dict[str, object] = {"name": "m", "model": None, "metrics": [], "holdout": None}
    seen = (
        "import sys\nsession = sys.modules['mlops_guest.session'].current()\n"
        f"sorted(file['requested'] for file in session.seen({request!r})['files'])"
    )
    first = "from pathlib import Path\nD = Path('data')\nread = str\n1"
    second = "import os\nread(D / 'a.parquet'); os.chdir('data'); read('b.parquet')\n1"
    assert values([*guest, "record"], tmp_path, first, second, seen)[-1] == [
        "b.parquet",
        "data/a.parquet",
    ]


def test_a_rerun_hands_over_answers_and_no_model(tmp_path: Path, guest: list[str]) -> None:
    """A rerun is judged by its model's answers, so the model itself is not written again."""
    request = {"name": "m", "model": "clf", "metrics": [], "holdout": "X"}
    train = (
        "import numpy as np\nfrom sklearn.linear_model import LinearRegression\n"
        "X = np.arange(6.0).reshape(-1, 1)\nclf = LinearRegression().fit(X, X[:, 0])\n1"
    )
    hand_over = (
        "import json, os, sys\nheld = {}\n"
        "for keep in (True, False):\n"
        "    os.mkdir(f'held-{keep}')\n"
        "    sys.modules['mlops_guest.session'].hand_over_end("
        f"json.dumps({request!r}), f'held-{{keep}}', keep)\n"
        "    held[keep] = sorted(os.listdir(f'held-{keep}'))\n"
        "held"
    )
    _, held = values([*guest, "record"], tmp_path, train, hand_over)
    answers = {name for name in held[False] if name != "handover.json"}
    assert answers
    assert set(held[True]) - set(held[False]) == {"model.skops"}
