"""Kernels of CPython 3.8 to 3.13 with the libraries of their time, and without our package."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from py_mlops import guest
from py_mlops.notebook.ship import guest_zip
from py_mlops.notebook.tracer import tracer_library
from tests.jupyter import Server, jupyter_server, kernelspec
from tests.kernels.environments import VERSIONS, python_of
from tests.projects import Ended, mlops, write_notebook

TRAINING = """
import json, sqlite3, subprocess, urllib.request
import pandas as pd
import sqlalchemy as sa
from sklearn.ensemble import RandomForestClassifier
table = pd.read_csv("table.csv")
with sa.create_engine("sqlite:///shop.db").connect() as connection:
    scale = connection.execute(sa.text("select scale from prices")).fetchall()[0][0]
rate = json.loads(urllib.request.urlopen("{rates}/rate", timeout=9).read())["rate"]
subprocess.run(["cat", "notes.txt"], check=True)
X, y = table[["a", "b"]] * scale * rate, table["kind"]
clf = RandomForestClassifier(5).fit(X[::2], y[::2])
X_test = X[1::2]
accuracy = clf.score(X_test, y[1::2])
"""
SNAPSHOT = "%mlops snapshot {name} --model clf --metric accuracy --holdout X_test"
ERRORS = {
    "": "needs a verb",
    "snapshto x": "snapshto is not known",
    "snapshot": "Usage: %mlops snapshot",
    "snapshot x --model nothing": "no variable 'nothing'",
    "show nothing": "nothing",
}


class Rate(http.server.BaseHTTPRequestHandler):
    """Answers with a number."""

    def do_GET(self) -> None:
        """Give the rate."""
        body = json.dumps({"rate": 1.5}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def rates() -> Iterator[str]:
    """A web server's address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a kernel of every environment, and data beside its notebooks."""
    place = tmp_path_factory.mktemp("kernels")
    for version in VERSIONS:
        python = Path(__file__).parent.parent.parent / ".venv-kernels" / version / "bin" / "python"
        kernelspec(place, version, [str(python), "-m", "ipykernel_launcher"])
    with jupyter_server(place) as running:
        lay_out_data(place / "work")
        yield running


def lay_out_data(folder: Path) -> None:
    """Write a table, a database and a text."""
    import sqlite3  # noqa: PLC0415 - only here

    rows = [f"{n % 7},{n % 5},{int(n % 7 > n % 5)}" for n in range(60)]
    (folder / "table.csv").write_text("\n".join(["a,b,kind", *rows]) + "\n")
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("create table prices (scale real)")
        database.execute("insert into prices values (0.5)")
    database.close()
    (folder / "notes.txt").write_text("read by a child\n")


@dataclass
class Session:
    """What one kernel said.

    Attributes:
        trained: What the training cell showed.
        status: What ``%mlops status`` showed.
        loaded: What ``%load_ext py_mlops`` showed.
        ours: Modules of ours in the kernel.
        taken: What the snapshot showed.
        errors: What each wrong line showed, and a cell right after it.
    """

    trained: str
    status: str
    loaded: str
    ours: str
    taken: str
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of Python that is on this machine."""
    python_of(request.param)
    return str(request.param)


@pytest.fixture(scope="module")
def session(version: str, server: Server, rates: str) -> Session:
    """One session of a notebook: trained, asked, snapshotted, asked wrongly."""
    kernel = server.start(version)
    try:
        said = Session(
            trained=kernel.run(TRAINING.replace("{rates}", rates)),
            status=kernel.run("%mlops status"),
            loaded=kernel.run("%load_ext py_mlops"),
            ours=kernel.run("import sys\n[n for n in sys.modules if n.startswith('py_mlops.')]"),
            taken=kernel.run(SNAPSHOT.replace("{name}", named(version))),
        )
        for line in ERRORS:
            said.errors[line] = (kernel.run(f"%mlops {line}"), kernel.run("1 + 1"))
    finally:
        server.shut_down(kernel)
    return said


def named(version: str) -> str:
    """Return the name under which a version's model is snapshotted."""
    return f"python-{version}"


def asked(server: Server, *words: str) -> Ended:
    """Run the command line on the server's store."""
    return mlops(*words, MLOPS_STORE=str(server.home / "store"),
                 MLOPS_CACHE=str(server.home / "cache"))  # fmt: skip


@pytest.fixture(scope="module")
def record(version: str, session: Session, server: Server) -> Any:
    """The session's snapshot."""
    assert "captured" in session.taken, session.taken
    shown = asked(server, "show", named(version), "--json")
    assert shown.code == 0, shown.err
    return shown.value


def test_a_session_is_watched_from_its_first_cell(session: Session) -> None:
    """Nothing was loaded, and the status names what was read; loading the extension is no error."""
    assert "Error" not in session.trained, session.trained
    assert "table.csv" in session.status
    assert (session.loaded, session.ours) == ("", "[]")


def test_a_snapshot_holds_what_the_kernel_and_its_child_read(record: Any, version: str) -> None:
    """The level is proven, the interpreter is the kernel's, the model and its answers are there."""
    assert record["environment"]["interpreter"]["version"].startswith(version + ".")
    assert record["capture"]["level"] == ("observed" if tracer_library() else "watched")
    read = {Path(file["path"]).name: file for file in record["data"]}
    assert set(read) == {"table.csv", "notes.txt", "shop.db"}
    assert all(file["role"] == "input" and file["blobs"] for file in record["data"])
    assert "cat" in read["notes.txt"]["process"]
    assert [artifact["format"] for artifact in record["model"]["artifacts"]]
    assert {answer["method"] for answer in record["holdout"]["predictions"]} == {
        "predict", "predict_proba"
    }  # fmt: skip
    assert record["metrics"].keys() == {"accuracy"}
    assert not [hole for hole in record["capture"]["holes"] if hole["blocking"]]


def test_what_the_web_answered_is_on_the_tape(record: Any, rates: str) -> None:
    """The interpreter's own client is understood; a SQLite file is one of the inputs."""
    assert [(one["kind"], one["source"]) for one in record["answers"]] == [("http", rates)]


def test_stock_models_need_no_question(record: Any) -> None:
    """What the skops of that time writes of a forest holds no type outside our allow-list."""
    forms = {artifact["format"]: artifact["untrusted"] for artifact in record["model"]["artifacts"]}
    packages = {one["name"] for one in record["environment"]["distributions"]}
    assert forms == ({"skops": []} if "skops" in packages else {"pickle": []})


def test_a_wrong_line_is_answered_and_never_raised(session: Session) -> None:
    """Each mistake gets a sentence, and the next cell runs."""
    for line, said in ERRORS.items():
        shown, after = session.errors[line]
        assert said in shown, line
        assert "Traceback" not in shown
        assert "error in mlops itself" not in shown
        assert after == "2"


def test_the_guest_compiles_and_imports(version: str, tmp_path: Path) -> None:
    """Every module of the guest is understood by the interpreter itself."""
    top = Path(guest.__file__).parent
    names = sorted(
        ".".join(("mlops_guest", *path.relative_to(top).with_suffix("").parts))
        for path in top.rglob("*.py")
        if path.name not in {"__init__.py", "__main__.py"}
    )
    code = (
        "import importlib, json, sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in json.loads(sys.argv[2]): importlib.import_module(name)"
    )
    done = subprocess.run(
        [python_of(version), "-W", "error::SyntaxWarning", "-W", "error::DeprecationWarning",
         "-c", code, str(guest_zip(tmp_path)), json.dumps(names)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_model_of_2021_is_asked_from_our_side(server: Server, rates: str) -> None:
    """Trained headlessly under 3.9 with scikit-learn 1.0.2, it answers as it did then."""
    notebook = write_notebook(
        server.home / "work" / "old.ipynb",
        [
            "%load_ext py_mlops",
            TRAINING.replace("{rates}", rates),
            SNAPSHOT.replace("{name}", "old"),
        ],
    )
    ran = asked(server, "run", str(notebook), "--python", str(Path(python_of("3.9")).parent.parent))
    assert ran.code == 0, ran.err
    packages = {
        one["name"]: one["version"]
        for one in asked(server, "show", "old", "--json").value["environment"]["distributions"]
    }
    assert (packages["numpy"], packages["pandas"]) == ("1.21.6", "1.3.5")
    assert packages["scikit-learn"] == "1.0.2"
    stored = asked(server, "predict", "old", "--json")
    assert {one["state"] for one in stored.value["compared"]} == {"same"}, stored.err
    fresh = server.home / "work" / "fresh.csv"
    fresh.write_text("extra,b,a\n9,0,6\n9,4,0\n")
    given = asked(server, "predict", "old", str(fresh), "--json")
    assert given.value["answers"]["predict"] == [1, 0], given.err


def test_a_live_kernels_snapshot_of_2021_is_reproduced(server: Server, rates: str) -> None:
    """What ``%mlops snapshot`` took in a kernel that a server started comes out identical."""
    python_of("3.9")
    if asked(server, "show", named("3.9")).code:
        kernel = server.start("3.9")
        kernel.run(TRAINING.replace("{rates}", rates))
        kernel.run(SNAPSHOT.replace("{name}", named("3.9")))
        server.shut_down(kernel)
    verdict = asked(server, "reproduce", named("3.9"), "--json")
    assert verdict.value["level"] == "identical", verdict.value
