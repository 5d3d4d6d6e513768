"""A notebook that reads from everywhere is trained again when nothing of all that is left."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import postgresql
from tests.projects import mlops, write_notebook
from tests.readers_kernel import READERS_PYTHON, kernelspec

CELLS = [
    """\
import os
import pandas as pd
import polars as pl
import requests
import sqlalchemy as sa
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from shop import basket""",
    "flowers = pl.read_parquet('flowers.parquet')",
    """\
engine = sa.create_engine(os.environ['SHOP_DATABASE'])
prices = pd.read_sql('select * from prices order by id', engine)
print(prices.dtypes)
print(prices)""",
    """\
answer = requests.get(os.environ['SHOP_RATES'] + '/rates.json',
                      headers={'Authorization': 'Bearer ' + os.environ['SHOP_TOKEN']}, timeout=9)
rates = answer.json()
print(rates)""",
    """\
X = flowers.drop('target').to_numpy() * rates['scale'] + float(prices['price'].iloc[0])
y = flowers['target'].to_numpy()
X_train, X_test, y_train, y_test = train_test_split(X, y)
clf = RandomForestClassifier(n_estimators=10).fit(X_train, y_train)
accuracy = clf.score(X_test, y_test)
total = basket(prices['price'])
print(accuracy, total)""",
]
"""Parquet by polars, a PostgreSQL table, JSON over HTTP, a loose module; and nothing is seeded."""

TOKEN = "not-" + "for-anybody-" + "4711"


class Rates(http.server.BaseHTTPRequestHandler):
    """Answers only to those who know the token."""

    def do_GET(self) -> None:
        """Give the rates."""
        known = self.headers["Authorization"] == "Bearer " + TOKEN
        body = json.dumps({"scale": 1.25}).encode() if known else b"{}"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def rates() -> Iterator[str]:
    """Run the web server; yield its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rates) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The store and the snapshot's id, when all that the notebook read is gone."""
    top = tmp_path_factory.mktemp("gone")
    project, store = top / "shop", top / "store"
    notebook = write_notebook(project / "shop.ipynb", CELLS, kernel="readers")
    (project / "shop.py").write_text("def basket(prices):\n    return float(prices.sum())\n")
    make = (
        "import pandas as pd; from sklearn.datasets import load_iris; "
        "load_iris(as_frame=True).frame.to_parquet('flowers.parquet')"
    )
    subprocess.run([READERS_PYTHON, "-c", make], cwd=project, check=True)
    jupyter_path = kernelspec(top, "readers")
    with postgresql() as database, rates() as web:
        database.execute(
            "create table prices(id int, name text, price numeric(10,2), day date);"
            "insert into prices values (1, 'rose', 2.50, '2026-03-01'), (2, null, 0.99, null)"
        )
        environment: dict[str, Any] = {
            "SHOP_DATABASE": database.url.replace("postgresql:", "postgresql+psycopg:"),
            "SHOP_RATES": web,
            "SHOP_TOKEN": TOKEN,
        }
        ran = mlops(
            "run", notebook, "--model", "clf", "--metric", "accuracy", "--metric", "total",
            "--holdout", "X_test", "--json",
            JUPYTER_PATH=str(jupyter_path), MLOPS_STORE=str(store), **environment,
        )  # fmt: skip
    assert ran.code == 0, ran.err
    shutil.rmtree(project)
    yield store, ran.value[0]["id"]
    shutil.rmtree(top)


def test_trained_again_with_the_world_gone(left: tuple[Path, str]) -> None:
    """Server stopped, database dropped, files deleted, no network: outputs and model identical."""
    store, identifier = left
    done = mlops("reproduce", identifier, "--json", MLOPS_STORE=str(store))
    assert done.code == 0, done.out + done.err
    assert done.value["level"] == "identical", done.out
    axes = {axis["name"]: axis for axis in done.value["axes"]}
    assert axes["outputs"]["state"] == "same"
    assert "no network" in axes["isolation"]["text"]


def test_the_snapshot_names_every_source(left: tuple[Path, str]) -> None:
    """File, table, address and module are in the record; level observed, nothing is missing."""
    store, identifier = left
    shown = mlops("show", identifier, "--json", MLOPS_STORE=str(store)).value
    assert [file["requested"] for file in shown["data"]] == ["flowers.parquet"]
    assert {answer["kind"] for answer in shown["answers"]} == {"sql", "http"}
    requests = [answer["request"] for answer in shown["answers"]]
    assert "select * from prices order by id" in requests
    assert [module["module"] for module in shown["program"]["modules"]] == ["shop"]
    assert shown["capture"]["level"] == "observed"
    assert shown["capture"]["holes"] == []


def test_no_password_and_no_token_is_kept(left: tuple[Path, str]) -> None:
    """Neither the database's password nor the web server's token is anywhere in the store."""
    store, _ = left
    for path in store.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in (TOKEN, "correct horse", "correct%20horse"):
                assert secret.encode() not in data, path


def test_an_altered_answer_is_named_and_nothing_is_run(left: tuple[Path, str]) -> None:
    """One byte of what the database said is altered: no rerun, and the question is named."""
    store, identifier = left
    shown = mlops("show", identifier, "--json", MLOPS_STORE=str(store)).value
    digests = {one["request"]: one["blob"]["digest"] for one in shown["answers"]}
    name = digests["select * from prices order by id"].partition(":")[2]
    path = store / "objects" / name[:2] / name
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data.replace(b"2.50", b"2.60"))
    try:
        done = mlops("reproduce", identifier, "--json", MLOPS_STORE=str(store))
    finally:
        path.write_bytes(data)
    assert done.code == 12, done.err
    assert done.value["level"] == "cannot"
    assert "select * from prices" in done.value["reason"]


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]


def can_be_nobody() -> bool:
    """Say whether an ordinary user can be tried: as root, and with a Python that all may use."""
    tried = [*NOBODY, sys.executable, "-c", "import py_mlops"]
    return (
        os.getuid() == 0 and not subprocess.run(tried, check=False, capture_output=True).returncode
    )


@pytest.mark.skipif(
    not can_be_nobody(), reason="not covered: nobody else may use this Python, or we are not root"
)
def test_an_ordinary_user_does_the_same(left: tuple[Path, str], tmp_path: Path) -> None:
    """The same rerun succeeds for a user without any privilege."""
    store, identifier = left
    bundle, cache = tmp_path / "shop.mlops", tmp_path / "cache"
    made = mlops("bundle", identifier, bundle, MLOPS_STORE=str(store))
    assert made.code == 0, made.err
    # The environment is built by somebody who can reach uv's cache; its place is shared.
    built = mlops("reproduce", identifier, MLOPS_STORE=str(store), MLOPS_CACHE=str(cache))
    assert built.code == 0, built.err
    for path in (cache, *cache.rglob("*")):
        if not path.is_symlink() and (path.is_dir() or path.stat().st_nlink == 1):
            path.chmod(path.stat().st_mode | 0o666 | (0o111 if path.is_dir() else 0))
    home = tmp_path / "nobody"
    home.mkdir()
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o055)
    for path in (home, bundle):
        os.chown(path, 65534, 65534)
    places = {"HOME": home, "MLOPS_STORE": home / "store", "MLOPS_CACHE": cache}
    done = subprocess.run(
        [
            *NOBODY, sys.executable, "-m", "py_mlops", "reproduce", str(bundle), "--yes", "--json",
        ],
        env={**os.environ, **{name: str(path) for name, path in places.items()}},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["level"] == "identical"
