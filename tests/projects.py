"""Small real projects that tests snapshot and reproduce, and the command line they do it with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

TRAINING = [
    "%load_ext py_mlops",
    "import json\nimport numpy as np\nfrom scaling import scaled",
    """\
table = np.loadtxt('data/flowers.csv', delimiter=',')
X, y = scaled(table[:, :-1]), table[:, -1]""",
    """\
from sklearn.linear_model import LogisticRegression
clf = LogisticRegression(max_iter=200).fit(X[::2], y[::2])""",
    """\
X_test, y_test = X[1::2], y[1::2]
accuracy = clf.score(X_test, y_test)
print('accuracy', accuracy)
with open('report.json', 'w') as stream:
    json.dump({'accuracy': accuracy}, stream)""",
    "%mlops snapshot flowers --model clf --metric accuracy --holdout X_test",
]
"""A notebook that trains on measured flowers (scikit-learn's iris, as a CSV)."""


@dataclass(frozen=True)
class Ended:
    """An invocation of the command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What it printed with ``--json``."""
        return json.loads(self.out)


def mlops(*words: str | Path, cwd: Path | None = None, **environment: str) -> Ended:
    """Run the real command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "py_mlops", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def write_notebook(path: Path, cells: list[str], kernel: str = "python3") -> Path:
    """Write a notebook with these code cells for a kernel of that name."""
    notebook = new_notebook(
        cells=[new_code_cell(source, id=f"c{number}") for number, source in enumerate(cells)],
        metadata={"kernelspec": {"name": kernel, "display_name": "Python 3", "language": "python"}},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def flowers(folder: Path) -> Path:
    """Lay out a project: data, a loose module and a notebook; return the notebook."""
    from sklearn.datasets import load_iris  # noqa: PLC0415 - slow, and few tests need it

    features, labels = load_iris(return_X_y=True)
    rows = [",".join(map(str, [*row, label])) for row, label in zip(features, labels, strict=True)]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "flowers.csv").write_text("\n".join(rows) + "\n")
    (folder / "scaling.py").write_text(
        "def scaled(X):\n    return (X - X.mean(axis=0)) / X.std(axis=0)\n"
    )
    return write_notebook(folder / "flowers.ipynb", TRAINING)
