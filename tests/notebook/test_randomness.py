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
        [
            "tree = RandomForestClassifier(random_state=0)",
            "search = RandomizedSearchCV(tree, grid)",
        ],
        ["a, b = train_test_split(X)", "np.random.seed(7)"],
        ["np.random.seed(7)", "rng = np.random.default_rng()"],
        ["random.seed(7)", "x = np.random.rand()"],
        ["%matplotlib inline\nfiles = !ls\nx = np.random.rand()"],
        ["%%time\nclf = MLPClassifier().fit(X, y)"],
        ["def train():\n    return KMeans(3).fit(X)", "train()"],
        ["folds = StratifiedKFold(5, shuffle=True)"],
        ["net = nn.Sequential(nn.Linear(2, 1))"],
        ["np.random.shuffle(rows)  # random_state=0"],
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
        ["np.random.seed(7)", "search = RandomizedSearchCV(RandomForestClassifier(), grid)"],
        ["def train():\n    return KMeans(3).fit(X)", "np.random.seed(7)", "train()"],
        ["set_seed(7)", "net = torch.nn.Linear(2, 1)", "random.random()"],
        ["clf = RandomForestClassifier(**options)"],
        ["a, b = train_test_split(X, shuffle=False)"],
        ["rng = random.Random(7)", "rng.sample(rows, 3)"],
        ["folds = KFold(5)"],
        ["%%bash\npython -c 'import random; random.random()'"],
        ["a sentence, not Python: np.random.rand()"],
        ["# np.random.rand()"],
    ],
)
def test_nothing_is_drawn_or_a_seed_is_set(sources: list[str]) -> None:
    """Then randomness is not the first thing to suspect."""
    assert not draws_without_seed(history(*sources))


def test_what_was_put_back_is_no_cause() -> None:
    """Generators that began with their recorded state draw the same, so others are suspected."""
    drawn = history("np.random.rand()", "rng = np.random.default_rng()")
    assert draws_without_seed(drawn, put_back=["random", "numpy.random"])
    kept = ["random", "numpy.random", "numpy.random.default_rng"]
    assert not draws_without_seed(drawn, put_back=kept)
    assert draws_without_seed(history("tf.random.normal((2,))"), put_back=[*kept, "torch"])
