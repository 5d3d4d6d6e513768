from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from py_mlops.errors import EnvironmentFailure
from py_mlops.guest import measure, predict, tables
from py_mlops.model.formats import load
from py_mlops.model.tables import load_inputs
from py_mlops.records import Artifact, Model
from py_mlops.store.base import Blobs

torch = pytest.importorskip("torch", reason="not covered: torch is not installed")


@pytest.fixture
def network() -> Any:
    """A small network in training mode, one part of it frozen in evaluation mode."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2)
    )
    layers[1].eval()
    return layers


def test_state_and_module(network: Any, keep: Callable[[Any], Model], blobs: Blobs) -> None:
    """A module comes back whole after a yes, and as its weights after a no."""
    record = keep(network)
    assert [(item.format, item.executes) for item in record.artifacts] == [
        ("torch-state", False),
        ("pickle", True),
    ]
    weights: Any = load(record, blobs, allow=lambda _: False)
    assert all(torch.equal(weights[name], part) for name, part in network.state_dict().items())
    whole: Any = load(record, blobs, allow=lambda _: True)
    assert type(whole) is torch.nn.Sequential


def test_a_crafted_state_runs_nothing(blobs: Blobs, tmp_path: Path) -> None:
    """A file of weights that holds something else is refused, whatever was answered."""
    torch.save({"weight": Path("x")}, tmp_path / "state.pt")
    artifact = Artifact(
        format="torch-state",
        executes=False,
        untrusted=[],
        blob=blobs.put_file(tmp_path / "state.pt"),
    )
    record = Model(variable="net", type="x.Net", artifacts=[artifact], loaded_from=None)
    with pytest.raises(EnvironmentFailure):
        load(record, blobs, allow=lambda _: True)


@pytest.mark.parametrize("form", ["tensor", "array", "frame", "list"])
def test_predictions(form: str, network: Any, tmp_path: Path) -> None:
    """A module answers in evaluation mode, and its modes and the random state are put back."""
    array = np.random.default_rng(0).normal(size=(5, 3))
    inputs = {
        "tensor": torch.tensor(array, dtype=torch.float32),
        "array": array,
        "frame": pd.DataFrame(array),
        "list": array.tolist(),
    }[form]
    before = torch.get_rng_state()
    [seen] = predict.predictions(network, inputs, str(tmp_path))
    assert seen["method"] == "call"
    assert [part.training for part in network] == [True, False, True, True]
    assert torch.equal(torch.get_rng_state(), before)
    answer = np.load(tmp_path / seen["file"], allow_pickle=False)
    with torch.no_grad():
        expected = network.eval()(torch.tensor(array, dtype=torch.float32)).numpy()
    assert np.array_equal(answer, expected)


def test_inputs(tmp_path: Path) -> None:
    """Tensors are stored as arrays, half precision included."""
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        tensor = torch.ones((2, 3), dtype=dtype, requires_grad=dtype.is_floating_point)
        tables.save(tensor, str(tmp_path / "inputs.npz"))
        again: Any = load_inputs((tmp_path / "inputs.npz").read_bytes())
        assert again.tolist() == tensor.tolist()


def test_metrics() -> None:
    """A tensor without dimensions is a number."""
    loss = torch.tensor(0.25, requires_grad=True)
    assert measure.metrics({"loss": loss}, ["loss"]) == {"loss": 0.25}
