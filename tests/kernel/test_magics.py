from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveKernel, live_kernel
from tests.projects import TRAINING, flowers, mlops


@pytest.fixture
def trained(kernel: LiveKernel, tmp_path: Path) -> LiveKernel:
    """A kernel in which the flowers have been trained, not yet snapshotted."""
    flowers(tmp_path)
    for source in TRAINING[:-1]:
        kernel.run(source)
    return kernel


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the shared kernel, into which nothing is ever put."""
    return tmp_path_factory.mktemp("calm") / "store"


@pytest.fixture(scope="module")
def calm(empty: Path) -> Iterator[LiveKernel]:
    """A trained kernel shared by tests after which nothing is stored."""
    flowers(empty.parent)
    with live_kernel(empty.parent, store=empty) as kernel:
        for source in TRAINING[:-1]:
            kernel.run(source)
        yield kernel


def test_status_stores_nothing_and_tells_what_would_be_captured(
    calm: LiveKernel, empty: Path
) -> None:
    """A person can look before they keep."""
    shown = calm.run("%mlops status")
    assert "data/flowers.csv" in shown
    assert " code " in shown  # the loose module, whose long path may be folded
    assert mlops("log", "--json", MLOPS_STORE=str(empty)).value == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%mlops snapshot flowers --model clff", ["clff", "clf"]),
        ("%mlops snapshot flowers --metric X", ["X", "number"]),
        ("%mlops snapshot ../flowers", ["../flowers", "letters"]),
        ("%mlops snapshot", ["name", "Usage"]),
        ("%mlops snapshot flowers --holdout X_test", ["--model"]),
        ("%mlops snapshto flowers", ["snapshto", "snapshot"]),
        ("%mlops show flowers", ["flowers"]),
        ("%mlops reproduce nothing", ["nothing"]),
    ],
)
def test_a_wrong_line_is_answered_and_never_raised(
    calm: LiveKernel, line: str, words: list[str]
) -> None:
    """Each mistake gets a sentence and what to do next, and the next cell runs."""
    shown = calm.run(line)
    for word in words:
        assert word in shown
    assert "Traceback" not in shown
    assert "error in mlops itself" not in shown
    assert "2" in calm.run("1 + 1")


def test_a_nan_metric_is_refused_with_a_reason(calm: LiveKernel, empty: Path) -> None:
    """Nothing could be compared with a NaN, so nothing is stored."""
    calm.run("loss = float('nan')")
    shown = calm.run("%mlops snapshot flowers --metric loss")
    assert "loss is not a finite number" in shown
    assert mlops("log", "--json", MLOPS_STORE=str(empty)).value == []


def test_a_data_file_that_changed_since_it_was_read_is_refused(
    trained: LiveKernel, tmp_path: Path
) -> None:
    """The digest would be of bytes the model never saw; --incomplete records the hole instead."""
    data = tmp_path / "data" / "flowers.csv"
    data.write_text(data.read_text() + "1,1,1,1,0\n")
    shown = trained.run(TRAINING[-1])
    assert "flowers.csv" in shown
    assert "changed" in shown
    assert mlops("log", "--json").value == []
    assert "in the way of a rerun" in trained.run(TRAINING[-1] + " --incomplete")


def test_a_data_file_that_was_deleted_is_refused_and_named(
    trained: LiveKernel, tmp_path: Path
) -> None:
    """The person is told which file, which cell, and what to do."""
    (tmp_path / "data" / "flowers.csv").unlink()
    shown = trained.run(TRAINING[-1])
    assert "flowers.csv" in shown
    assert "no longer there" in shown
    assert "[3]" in shown


def test_cells_that_ran_before_the_extension_was_loaded_are_a_hole(kernel: LiveKernel) -> None:
    """What nobody watched is said, not passed over."""
    kernel.run("x = 1")
    kernel.run("%load_ext py_mlops")
    shown = kernel.run("%mlops snapshot late --metric x")
    assert "before the extension was loaded" in shown


def test_a_model_comes_back_into_a_variable(trained: LiveKernel) -> None:
    """What was snapshotted can be used again, in the same or another notebook."""
    trained.run(TRAINING[-1])
    trained.run("%mlops load flowers again")
    assert "True" in trained.run("bool((again.predict(X_test) == clf.predict(X_test)).all())")


def test_a_full_disk_is_told_and_nothing_is_half_kept(trained: LiveKernel) -> None:
    """A store that cannot be written ends in a sentence; the notebook goes on."""
    trained.run("import resource; old = resource.getrlimit(resource.RLIMIT_FSIZE)")
    trained.run("import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)")
    trained.run("resource.setrlimit(resource.RLIMIT_FSIZE, (2048, old[1]))")
    shown = trained.run(TRAINING[-1])
    trained.run("resource.setrlimit(resource.RLIMIT_FSIZE, old)")
    assert "captured" not in shown
    assert "Traceback" not in shown
    assert "captured" in trained.run(TRAINING[-1])
