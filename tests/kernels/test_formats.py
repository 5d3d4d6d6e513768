"""Models of the libraries that people use, kept, loaded again and compared, with the libraries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from py_mlops.commands.predict import predict
from py_mlops.commands.reruns.reproduce import reproduce
from py_mlops.commands.reruns.run import run
from py_mlops.errors import InputError, NotTrusted, RerunFailed
from py_mlops.guest import deserialise, serialise
from py_mlops.model import formats
from py_mlops.notebook.ship import guest_zip
from py_mlops.records import Request, Snapshot, record_id
from py_mlops.records.model import ModelFormat
from py_mlops.workspace import Workspace, open_workspace
from tests.kernels.environments import PLACE, ROOT, python_of
from tests.kernels.models import DATA, MODELS, MODULE
from tests.projects import write_notebook

_ALL = """
import importlib.util, json, os, sys, tempfile
sys.path[:0] = sys.argv[1:2]
import numpy
from mlops_guest import deserialise, predict, serialise
said = {}
for name, (_, code) in json.load(sys.stdin).items():
    space = vars(sys.modules["__main__"])
    if name == "torch" and importlib.util.find_spec("torch") is None:
        continue
    exec(DATA + code, space)
    folder = tempfile.mkdtemp()
    seen = serialise.model(space["model"], "model", folder)
    forms = [dict(one, file=os.path.join(folder, one["file"])) for one in seen["artifacts"]]
    said[name] = {"problem": seen["problem"], "type": seen["type"], "forms": {}}
    said[name]["files"] = {one["format"]: one["file"] for one in forms}
    def ask(model, place):
        os.mkdir(place)
        found = predict.predictions(model, space["X_test"], place)
        return {one["method"]: open(os.path.join(place, one["file"]), "rb").read() for one in found}
    then = ask(space["model"], folder + "/then")
    for form in forms:
        if form["format"] == "torch-state":
            continue
        again = ask(deserialise.model([form], seen["type"]), folder + "/" + form["format"])
        said[name]["forms"][form["format"]] = [again[key] == then[key] for key in again]
print(json.dumps(said), file=sys.__stdout__)
"""


_OURS = """
import os, sys, json, io, zipfile
from pathlib import Path
from tempfile import mkdtemp
sys.path.append(sys.argv[1])
os.environ["KERAS_BACKEND"] = "jax"
from py_mlops.errors import MlopsError
from py_mlops.model.formats import load
from py_mlops.records import Artifact, Model
from py_mlops.store.blobs.folder import FolderBlobs

blobs = FolderBlobs(Path(mkdtemp()))

def outcome(kind, form, path, yes):
    blob = blobs.put_file(Path(path))
    artifact = Artifact(format=form, executes=False, untrusted=[], blob=blob)
    record = Model(variable="model", type=kind, artifacts=[artifact], loaded_from=None)
    try:
        return type(load(record, blobs, allow=lambda question: yes)).__name__
    except MlopsError as error:
        return type(error).__name__

said = {}
for name, (kind, form, path) in json.load(sys.stdin).items():
    torn = path + ".torn"
    Path(torn).write_bytes(Path(path).read_bytes()[:100])
    said[name] = [outcome(kind, form, path, False), outcome(kind, form, path, True),
                  outcome(kind, form, torn, True)]
    if form == "keras":
        with zipfile.ZipFile(path + ".bomb", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", b"0" * (1 << 22))
        said["bomb"] = [outcome(kind, form, path + ".bomb", True)]
print(json.dumps(said), file=sys.__stdout__)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What became of every model, in a process of its libraries' environment."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "steps.py").write_text(MODULE)
    without = {name: model for name, model in MODELS.items() if name != "torch"}
    found = asked_all("formats", without, folder)
    if (PLACE / "torch" / ".installed").exists():
        found |= asked_all("torch", {"torch": MODELS["torch"]}, folder)
    return found


def asked_all(environment: str, models: dict[str, tuple[str, str]], folder: Path) -> dict[str, Any]:
    """Train, store, load and ask models in a process of an environment; return what it found."""
    done = subprocess.run(
        [python_of(environment), "-W", "ignore", "-c", f"DATA = {DATA!r}\n" + _ALL,
         str(guest_zip(folder))],
        input=json.dumps(models), cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_as_before_from_its_whole_form(said: Any, name: str) -> None:
    """Loaded in its own environment it gives the same answers, bit for bit."""
    if name not in said:
        pytest.skip(f"not covered: {name} is not installed in that environment")
    assert said[name]["problem"] == ""
    same = said[name]["forms"][MODELS[name][0]]
    assert same
    assert all(same)


def test_our_side_loads_what_cannot_run_code_and_asks_for_the_rest(said: Any) -> None:
    """With the libraries at hand; a torn file and a bomb are refused, whatever the answer is."""
    names = ("catboost", "onnx", "keras")
    given = {name: (said[name]["type"], form := MODELS[name][0], said[name]["files"][form])
             for name in names}  # fmt: skip
    environment = Path(python_of("formats")).parent.parent
    libraries = environment / "lib" / "python3.11" / "site-packages"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _OURS, str(libraries)],
        input=json.dumps(given), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "catboost": ["CatBoostClassifier", "CatBoostClassifier", "EnvironmentFailure"],
        "onnx": ["ModelProto", "ModelProto", "EnvironmentFailure"],
        "keras": ["NotTrusted", "Sequential", "Corrupt"],
        "bomb": ["Hostile"],
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A workspace for all tests of this file, so that the environment is built once."""
    opened = open_workspace(tmp_path_factory.mktemp("store") / "store")
    yield opened
    opened.store.close()


def take(workspace: Workspace, folder: Path, name: str, **names: str | None) -> str:
    """Train a model headlessly in the libraries' environment; return its snapshot's id."""
    (folder / "steps.py").write_text(MODULE)
    notebook = write_notebook(folder / f"{name}.ipynb", [DATA, MODELS[name][1]])
    wanted = Request(name=name, metrics=[], **{"model": "model", "holdout": "X_test"} | names)
    return run(workspace, notebook, request=wanted, python=python_of("formats")).snapshots[0]


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost", "statsmodels", "own-module"])
def test_a_model_is_reproduced_and_its_stored_form_answers(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    """The rerun's answers are the recorded ones, and so are those of the stored model."""
    taken = take(workspace, tmp_path, name)
    snapshot = workspace.store.get_as(taken, Snapshot)
    assert snapshot.model is not None
    assert MODELS[name][0] in [one.format for one in snapshot.model.artifacts]
    (tmp_path / "steps.py").unlink()
    verdict = reproduce(workspace, taken)
    assert verdict.level == "identical", verdict
    assert {one.state for one in verdict.predictions} == {"same"}
    assert {one.state for one in predict(workspace, taken).compared} == {"same"}


def test_bad_inputs_and_strangers_are_refused_with_a_next_step(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Missing columns are named, an unknown kind of file too, another person's model waits."""
    taken = take(workspace, tmp_path, "statsmodels")
    few = tmp_path / "few.csv"
    few.write_text("a,b\n1,2\n")
    with pytest.raises(RerunFailed, match="lack c") as lacking:
        predict(workspace, taken, few)
    assert "a, b, c" in lacking.value.hint
    (tmp_path / "few.xml").touch()
    with pytest.raises(InputError, match="no kind"):
        predict(workspace, taken, tmp_path / "few.xml")
    with pytest.raises(InputError, match="There is no file"):
        predict(workspace, taken, tmp_path / "gone.csv")
    record = workspace.store.get_as(taken, Snapshot)
    strange = _by_someone_else(record)
    workspace.store.add(strange, author=strange.author)
    with pytest.raises(NotTrusted, match="Eve"):
        predict(workspace, record_id(strange))


def _by_someone_else(record: Snapshot) -> Snapshot:
    import msgspec  # noqa: PLC0415 - only here

    author = msgspec.structs.replace(record.author, name="Eve", email="eve@example.org")
    return msgspec.structs.replace(record, author=author)


def test_the_page_says_what_the_code_does() -> None:
    """Every format has its row; what asks, and what has no program, is as the page says."""
    page = (ROOT / "docs" / "formats.md").read_text()
    rows = {
        found[1]: [cell.strip() for cell in found[2].split("|")]
        for found in re.finditer(r"^\| `([a-z-]+)` \|(.*)\|$", page, re.MULTILINE)
    }
    known = set(get_args(ModelFormat))
    assert set(rows) == known == set(formats._LOADERS) == set(deserialise._LOADERS)
    assert known == set(serialise._FILES)
    for form, (_, ours, _, asked) in rows.items():
        assert ours.startswith("asks") == (form in serialise._EXECUTES), form
        assert (asked == "yes") == (form != "torch-state"), form
