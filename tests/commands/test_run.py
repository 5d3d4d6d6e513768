from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.commands.run import default_request
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
