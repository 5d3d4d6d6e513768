"""Reproducible: someone else, elsewhere and later, retrains it and is told how it came out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.projects import Ended, flowers, mlops, write_notebook


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one snapshot whose project folder is gone."""
    folder = tmp_path_factory.mktemp("nine-months")
    notebook = flowers(folder / "anna" / "flowers")
    ran = mlops("--store", folder / "store", "run", notebook, "--json")
    assert ran.code == 0, ran.err
    assert (notebook.parent / "report.json").exists()
    shutil.move(folder / "anna", folder / "gone")
    return folder / "store"


def reproduce(store: Path, *words: str | Path) -> Ended:
    """Run ``mlops reproduce`` for a program."""
    return mlops("--store", store, "reproduce", *words, "--json")


def axes(ended: Ended) -> dict[str, str]:
    """Return each axis' state."""
    return {axis["name"]: axis["state"] for axis in ended.value["axes"]}


def stored_input(store: Path, name: str) -> Path:
    """Return the stored bytes of an input."""
    shown = mlops("--store", store, "show", "flowers", "--json").value
    file = next(item for item in shown["data"] if item["requested"].endswith(name))
    digest: str = file["blobs"][0]["digest"].removeprefix("sha256:")
    return store / "objects" / digest[:2] / digest


def test_a_model_is_retrained_bit_for_bit_though_its_folder_is_gone(store: Path) -> None:
    """The rerun restores data and module, trains again and comes out identical, exit code 0."""
    ended = reproduce(store, "flowers")
    assert ended.code == 0, ended.err
    assert ended.value["level"] == "identical"
    assert axes(ended) == {
        "environment": "same", "hardware": "same", "data": "same", "code": "same",
        "capture": "same", "isolation": axes(ended)["isolation"], "outputs": "same",
        "files": "same",
        "model": "same", "predictions": "same", "metrics": "same",
    }  # fmt: skip


def test_progress_is_told_cell_by_cell_on_stderr_and_stdout_is_only_json(store: Path) -> None:
    """A program can read stdout while a person watches the cells go by on stderr."""
    ended = reproduce(store, "flowers")
    json.loads(ended.out)
    assert "LogisticRegression" in ended.err
    assert "cell" in ended.err


def test_one_altered_byte_of_data_is_refused_and_the_file_is_named(store: Path) -> None:
    """A damaged input is never trained on: exit code 12, and the reason names the file."""
    blob = stored_input(store, "flowers.csv")
    original = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(original[:10] + bytes([original[10] ^ 1]) + original[11:])
    try:
        ended = reproduce(store, "flowers")
    finally:
        blob.write_bytes(original)
        blob.chmod(0o444)
    assert ended.code == 12
    assert ended.value["level"] == "cannot"
    assert "data/flowers.csv" in ended.value["reason"]
    assert reproduce(store, "flowers").code == 0


def test_a_bundle_alone_is_enough_on_a_machine_that_never_saw_the_store(
    store: Path, tmp_path: Path
) -> None:
    """One file carries the snapshot; another person must say yes before its code runs."""
    bundle = tmp_path / "flowers.mlops.zip"
    assert mlops("--store", store, "bundle", "flowers", bundle).code == 0
    elsewhere = tmp_path / "elsewhere"
    refused = reproduce(elsewhere, bundle)
    assert refused.code == 12
    assert "code" in refused.value["reason"]
    ended = reproduce(elsewhere, bundle, "--yes")
    assert (ended.code, ended.value["level"]) == (0, "identical")


def test_the_verdict_is_kept_and_the_log_shows_it(store: Path) -> None:
    """Whoever lists the snapshots sees which were ever retrained and how it went."""
    ended = reproduce(store, "flowers")
    kept = mlops("--store", store, "show", ended.value["id"], "--json").value
    assert kept["level"] == "identical"
    assert mlops("--store", store, "log", "--json").value[0]["verdict"] == "identical"


def test_an_output_of_the_recorded_run_is_not_there_for_the_rerun(tmp_path: Path) -> None:
    """A notebook that would rather read its last result than train has nothing to read."""
    notebook = write_notebook(
        tmp_path / "cached.ipynb",
        [
            "import os",
            (
                "if not os.path.exists('score.txt'):\n"
                "    with open('score.txt', 'w') as stream:\n        stream.write('0.5')\n"
                "    trained = 1.0\nelse:\n    trained = 0.0"
            ),
        ],
    )
    store = tmp_path / "store"
    assert mlops("--store", store, "run", notebook, "--metric", "trained").code == 0
    ended = reproduce(store, "cached")
    assert ended.value["metrics"][0]["rerun"] == 1.0


def test_metrics_come_from_the_rerun_and_not_from_what_was_saved(tmp_path: Path) -> None:
    """A result that depends on something unrecorded comes out different, exit code 10."""
    notebook = write_notebook(
        tmp_path / "lucky.ipynb",
        ["import os\nscore = float(os.environ.get('MLOPS_TEST_LUCK', '0.1'))", "print(score)"],
    )
    store = tmp_path / "store"
    ran = mlops("--store", store, "run", notebook, "--metric", "score", MLOPS_TEST_LUCK="0.9")
    assert ran.code == 0, ran.err
    ended = reproduce(store, "lucky")
    assert ended.code == 10
    assert ended.value["metrics"][0]["recorded"] == 0.9
    assert ended.value["metrics"][0]["rerun"] == 0.1
    assert ended.value["first_difference"]["recorded"].strip() == "0.9"
    assert reproduce(store, "lucky", "--tolerance", "score=0.9").code == 0


def test_a_cell_that_fails_in_the_rerun_is_named(tmp_path: Path) -> None:
    """Exit code 11, with the cell's number and its error."""
    notebook = write_notebook(
        tmp_path / "fragile.ipynb", ["import os", "score = float(os.environ['MLOPS_TEST_LUCK'])"]
    )
    store = tmp_path / "store"
    ran = mlops("--store", store, "run", notebook, "--metric", "score", MLOPS_TEST_LUCK="0.9")
    assert ran.code == 0, ran.err
    ended = reproduce(store, "fragile")
    assert (ended.code, ended.value["level"]) == (11, "failed")
    assert "[2]" in ended.value["reason"]
    assert "KeyError" in ended.value["reason"]


def test_a_model_that_was_loaded_and_not_trained_is_called_so(tmp_path: Path) -> None:
    """A verdict about a model from a file does not pose as one about training."""
    trained = mlops(
        "--store", tmp_path / "first", "run", write_notebook(tmp_path / "make.ipynb", [
            "import joblib\nfrom sklearn.dummy import DummyClassifier",
            "joblib.dump(DummyClassifier().fit([[0], [1]], [0, 1]), 'model.joblib')",
        ]),
    )  # fmt: skip
    assert trained.code == 0, trained.err
    notebook = write_notebook(
        tmp_path / "use.ipynb",
        ["import joblib", "clf = joblib.load('model.joblib')\nX = [[0], [1], [2]]"],
    )
    store = tmp_path / "store"
    words = ["--model", "clf", "--holdout", "X"]
    assert mlops("--store", store, "run", notebook, *words).code == 0
    ended = reproduce(store, "use")
    assert ended.code == 0
    assert "loaded from model.joblib, not trained" in ended.value["reason"]


def test_calibration_measures_how_much_unseeded_training_varies(tmp_path: Path) -> None:
    """Its reruns draw anew, and so give a noise band; the rerun itself draws as recorded."""
    notebook = write_notebook(
        tmp_path / "unseeded.ipynb",
        ["import random\nscore = 100 + random.gauss(0, 10)"],
    )
    store = tmp_path / "store"
    assert mlops("--store", store, "run", notebook, "--metric", "score").code == 0
    ended = reproduce(store, "unseeded", "--calibrate", "3", "--tolerance", "score=1e-6")
    assert len(ended.value["calibration"]) == 3
    low, high = ended.value["metrics"][0]["band"]
    metric = ended.value["metrics"][0]
    assert low <= metric["rerun"] <= high
    assert len({values["score"] for values in ended.value["calibration"]}) == 3
    assert metric["rerun"] == metric["recorded"]
    assert ended.value["level"] == "identical"


def test_chance_that_nobody_kept_is_named_as_the_cause(tmp_path: Path) -> None:
    """What the system's own entropy decides is different in a rerun, and the cause says seed."""
    cells = ["import secrets\nscore = 100.0 + secrets.randbelow(10**9)"]
    notebook = write_notebook(tmp_path / "lucky.ipynb", cells)
    store = tmp_path / "store"
    assert mlops("--store", store, "run", notebook, "--metric", "score").code == 0
    ended = reproduce(store, "lucky", "--tolerance", "score=1e-6")
    assert ended.value["level"] == "different"
    assert ended.value["cause"].startswith("seed:")
