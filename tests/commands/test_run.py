from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.commands.reruns.run import default_request
from py_mlops.errors import InputError
from tests.projects import mlops, write_notebook


def test_parameters_are_given_to_the_notebook_and_recorded(tmp_path: Path) -> None:
    """Numbers stay numbers and words stay words, in the run, the record and the metric."""
    notebook = write_notebook(tmp_path / "study.ipynb", ["score = rate * 2", "print(label)"])
    words = ["-p", "rate", "0.25", "-p", "label", "spring", "--metric", "score"]
    ran = mlops("run", notebook, *words, "--output", tmp_path / "out.ipynb", "--json")
    assert ran.code == 0, ran.err
    [taken] = ran.value
    assert taken["parameters"] == {"rate": 0.25, "label": "spring"}
    assert taken["metrics"] == {"score": 0.5}
    assert taken["program"]["entry"] == "headless"
    assert taken["program"]["notebook"] == str(notebook)
    assert "rate = 0.25" in (tmp_path / "out.ipynb").read_text()


@pytest.mark.parametrize(
    "value", ["NaN", "1e400", str(2**60), '"\\ud800"', '{"\\udc00": 1}', "[NaN]"]
)
def test_a_parameter_that_no_record_can_hold_is_refused_before_anything_runs(
    tmp_path: Path, value: str
) -> None:
    """It is named, and the hint says what to give instead."""
    notebook = write_notebook(tmp_path / "study.ipynb", ["open('ran', 'w').close()"])
    ran = mlops("run", notebook, "-p", "rate", value, "--json")
    assert ran.code == 1
    assert "The parameter rate cannot be recorded" in ran.value["error"]["message"]
    assert "as a text" in ran.value["error"]["hint"]
    assert "Traceback" not in ran.err
    assert not (tmp_path / "ran").exists()


def test_numbers_of_any_size_come_back_from_the_record(tmp_path: Path) -> None:
    """A large float is recorded as the number it is; a number too long to be one, as its text."""
    notebook = write_notebook(tmp_path / "study.ipynb", ["score = 2**60", "%load_ext py_mlops",
                              "%mlops snapshot study --metric score"])  # fmt: skip
    words = ["-p", "large", "1e20", "-p", "long", "9" * 5000, "-p", "deep", "[" * 60_000]
    ran = mlops("run", notebook, *words, "--json")
    assert ran.code == 0, ran.err
    shown = mlops("show", "study", "--json").value
    assert shown["parameters"] == {"large": 1e20, "long": "9" * 5000, "deep": "[" * 60_000}
    assert shown["metrics"] == {"score": float(2**60)}
    assert mlops("verify").code == 0


def test_a_cell_that_fails_is_named_and_nothing_is_stored(tmp_path: Path) -> None:
    """Exit code 1, the cell's number and its error, and an empty log."""
    notebook = write_notebook(tmp_path / "broken.ipynb", ["x = 1", "x / 0", "y = 2"])
    ran = mlops("run", notebook, "--json")
    assert ran.code == 1
    error = ran.value["error"]
    assert error["kind"] == "RerunFailed"
    assert "[2]" in error["message"]
    assert "ZeroDivisionError" in error["message"]
    assert mlops("log", "--json").value == []


@pytest.mark.parametrize(
    ("file", "name"),
    [("digits.ipynb", "digits"), ("My study (2).ipynb", "My-study-2"), ("über.ipynb", "ber")],
)
def test_a_notebook_that_names_nothing_goes_by_its_own_name(file: str, name: str) -> None:
    """What no model's name may hold becomes a dash."""
    assert default_request(Path(file)).name == name


def test_a_notebook_of_which_no_name_can_be_made_is_told() -> None:
    """The person is asked for one."""
    with pytest.raises(InputError, match="No model's name"):
        default_request(Path("日本.ipynb"))
