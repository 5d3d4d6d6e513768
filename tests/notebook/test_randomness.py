from __future__ import annotations

import pytest

from py_mlops.notebook.randomness import draws_without_seed
from py_mlops.records import ExecutedCell, History


def history(*sources: str) -> History:
    """Return a history of cells."""
    return History(
        cells=[
            ExecutedCell(
                count=number, cell_id=None, source=source, outputs=[], error=None, seconds=0.0,
                watched=True,
            )
            for number, source in enumerate(sources, 1)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    "sources",
    [
        ["import random\nx = random.random()"],
        ["import numpy as np", "x = np.random.rand(3)"],
        ["rng = np.random.default_rng()"],
        ["clf = RandomForestClassifier().fit(X, y)"],
        ["clf = RandomForestClassifier(random_state=None).fit(X, y)"],
        ["import torch", "net = torch.nn.Linear(2, 1)"],
        ["a, b = train_test_split(X)"],
        ["frame.sample(10)"],
    ],
)
def test_numbers_are_drawn_and_no_seed_is_set(sources: list[str]) -> None:
    """A rerun that differs may well differ for that."""
    assert draws_without_seed(history(*sources))


@pytest.mark.parametrize(
    "sources",
    [
        ["x = 1"],
        [],
        ["clf = LogisticRegression().fit(X, y)"],
        ["randomised = 3"],
        ["random.seed(7)", "random.random()"],
        ["np.random.seed(7); np.random.rand()"],
        ["rng = np.random.default_rng(7)"],
        ["rng = np.random.RandomState(7)"],
        ["clf = RandomForestClassifier(random_state=7)"],
        ["torch.manual_seed(7)", "torch.rand(2)"],
        ["params = {'seed': 7}", "xgb.train(params, d)  # XGB"],
        ["SEED = 7", "clf = SGDClassifier(random_state=SEED)"],
    ],
)
def test_nothing_is_drawn_or_a_seed_is_set(sources: list[str]) -> None:
    """Then randomness is not the first thing to suspect."""
    assert not draws_without_seed(history(*sources))
