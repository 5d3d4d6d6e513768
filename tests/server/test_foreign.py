"""``%mlops`` in kernels whose environment does not have our package, and in those that have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jupyter import Kernel, Server

TRAINING = """
import pandas as pd
from sklearn.linear_model import LinearRegression
pd.DataFrame({"x": range(20), "y": range(0, 40, 2)}).to_csv("table.csv", index=False)
table = pd.read_csv("table.csv")
model = LinearRegression().fit(table[["x"]], table["y"])
X = table[["x"]]
score = model.score(X, table["y"])
"""


@pytest.fixture(scope="module")
def trained(server: Server) -> Iterator[Kernel]:
    """A kernel without our package in which a model was trained and snapshotted."""
    kernel = server.start("foreign")
    assert kernel.run(TRAINING) == ""
    shown = kernel.run("%mlops snapshot foreign --model model --metric score --holdout X")
    assert "captured" in shown, shown
    yield kernel
    server.shut_down(kernel)


def test_status_answers_without_any_extension(trained: Kernel) -> None:
    """A notebook that loads nothing is watched from its first cell, and told so in both forms."""
    shown = trained.run("%mlops status")
    assert "table.csv" in shown
    assert set(trained.shown[-1]) == {"text/plain", "text/html"}
    assert "table.csv" in trained.shown[-1]["text/html"]


def test_the_kernel_imports_nothing_of_ours(trained: Kernel) -> None:
    """The package stays where it is installed; the kernel only asks it."""
    loaded = "import sys\n[name for name in sys.modules if name.startswith('py_mlops.')]"
    assert trained.run(loaded) == "[]"


def test_loading_the_extension_succeeds(trained: Kernel) -> None:
    """A notebook written for our package runs where it is not installed."""
    assert trained.run("%load_ext py_mlops") == ""
    assert "already" in trained.run("%load_ext py_mlops")


def test_a_snapshot_can_be_looked_at(trained: Kernel) -> None:
    """The verbs that read the store answer as on the command line."""
    assert "score 1" in trained.run("%mlops log foreign")
    assert "LinearRegression" in trained.run("%mlops show foreign")
    assert "same" in trained.run("%mlops diff foreign foreign@main")


def test_a_snapshot_can_be_reproduced(trained: Kernel) -> None:
    """The whole way works from a kernel without our package: environment, data, verdict."""
    assert "identical" in trained.run("%mlops reproduce foreign")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "needs a verb"),
        ("snapshto x", "snapshto is not known"),
        ("load foreign other", "Install py-mlops into this environment"),
        ("snapshot", "Usage: %mlops snapshot"),
        ("snapshot x --model nothing", "nothing"),
        ("log --bad", "Usage: mlops log"),
        ("log 'open", "cannot be read"),
        ("show nothing", "nothing"),
        ("status please", "takes no words"),
    ],
)
def test_a_wrong_line_is_answered_and_never_raised(trained: Kernel, line: str, said: str) -> None:
    """Each mistake gets a sentence and what to do next, and the next cell runs."""
    shown = trained.run(f"%mlops {line}")
    assert said in shown
    assert "Traceback" not in shown
    assert "error in mlops itself" not in shown
    assert trained.run("1 + 1") == "2"


def test_an_installed_package_answers_itself(server: Server) -> None:
    """Where our package is installed its extension takes over at the first use."""
    kernel = server.start("own")
    try:
        before = kernel.run("import sys\n'py_mlops' in sys.modules")
        kernel.run("open('own.txt', 'w').close()")
        assert "own.txt" in kernel.run("%mlops status")
        after = kernel.run("'py_mlops.kernel.magics' in sys.modules")
        assert "Install py-mlops" not in kernel.run("%mlops load nothing again")
    finally:
        server.shut_down(kernel)
    assert (before, after) == ("False", "True")
