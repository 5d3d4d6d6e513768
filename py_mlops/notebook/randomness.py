"""Whether a program draws random numbers without a fixed seed, as far as its text shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from py_mlops.notebook.calls import calls
from py_mlops.records import History

_EVERY = frozenset({"python", "numpy", "torch", "keras"})
_SEEDS = [
    (re.compile(r"(?:np|numpy)\.random\.(?:seed|set_state)"), {"numpy"}),
    (re.compile(r"random\.(?:seed|setstate)"), {"python"}),
    (re.compile(r"torch\.(?:\w+\.)?manual_seed(?:_all)?"), {"torch"}),
    (re.compile(r"(?:tf|tensorflow)\.(?:random\.)?set_(?:random_)?seed"), {"keras"}),
    (re.compile(r"(?:\w+\.)*(?:set_seed|set_random_seed|seed_everything|fix_seed\w*)"), _EVERY),
]
"""Functions that seed, and the generators they seed."""

_FRESH = re.compile(r"(?:\w+\.)*(?:default_rng|RandomState|SeedSequence)|random\.Random")
"""Makers of generators of their own, which a global seed does not reach."""

_DRAWS = [
    (re.compile(r"(?:np|numpy)\.random\.(?!get_state|set_state|[A-Z])\w+"), "numpy"),
    (re.compile(r"random\.(?!getstate|setstate|[A-Z])\w+"), "python"),
    (re.compile(r"torch\.(?:rand\w*|normal|bernoulli|multinomial)"), "torch"),
    (re.compile(r"(?:torch\.)?nn\.(?:Linear|Conv\w+|Embedding|LSTM|GRU|RNN|Dropout\w*)"), "torch"),
    (re.compile(r"(?:tf|tensorflow)\.random\.\w+|(?:\w+\.)*layers\.[A-Z]\w+"), "keras"),
]
"""Functions that draw from a generator that is global."""

_RANDOM_STATE = re.compile(
    r"(?:\w+\.)*(?:\w*RandomForest\w+|\w*RandomTrees\w+|Extra(?:Trees?)\w+|DecisionTree\w+"
    r"|GradientBoosting\w+|Bagging\w+|AdaBoost\w+|MLP\w+|SGD\w+|(?:MiniBatch)?KMeans"
    r"|IsolationForest|\w*GaussianMixture|TSNE|NMF|TruncatedSVD|RandomizedSearchCV"
    r"|HalvingRandomSearchCV|\w*ShuffleSplit|train_test_split|permutation_importance|resample"
    r"|make_(?:classification|regression|blobs|moons|circles)|SMOTE\w*|Random(?:Over|Under)Sampler)"
)
"""What of scikit-learn and its kin draws from numpy's global generator unless ``random_state``."""


_PUT_BACK = {
    "random": "python",
    "numpy.random": "numpy",
    "numpy.random.default_rng": "of its own",
    "torch": "torch",
}
"""What ``Randomness.generators`` calls a generator, and what this module does."""


def draws_without_seed(history: History, *, put_back: Iterable[str] = ()) -> bool:
    """Say whether the executed code seems to draw random numbers without a seed.

    It reads the text only, in the order in which it ran: a seed covers what is
    drawn after it from the same generator. What a function draws counts as drawn
    at the end. So it is a hint for the likely cause of a difference and never a
    reason for a verdict.

    Args:
        history: What was executed.
        put_back: Generators whose recorded first state the rerun began with, as
            its ``Randomness.generators`` names them: these draw the same again.

    Returns:
        True when something is drawn from a generator that nothing has seeded.
    """
    seeded = {_PUT_BACK[name] for name in put_back if name in _PUT_BACK}
    later: set[str] = set()
    for cell in history.cells:
        for call, in_function in calls(cell.source):
            name = ast.unparse(call.func)
            seeded.update(*(names for pattern, names in _SEEDS if pattern.fullmatch(name)))
            drawn = _drawn(name, call)
            if in_function:
                later |= drawn
            elif drawn - seeded:
                return True
    return bool(later - seeded)


def _drawn(name: str, call: ast.Call) -> set[str]:
    """Return the generators a call draws from without naming a seed of its own."""
    given = {word.arg: word.value for word in call.keywords}
    own = [value for word, value in given.items() if word in {"random_state", "seed", "generator"}]
    if None in given or any(not _is_none(value) for value in own):  # None: **options
        return set()
    if _FRESH.fullmatch(name):
        return set() if call.args and not _is_none(call.args[0]) else {"of its own"}
    if any(pattern.fullmatch(name) for pattern, _ in _SEEDS):
        return set()
    shuffles = _constant(given.get("shuffle"))
    if name.endswith("KFold"):
        from_numpy = shuffles is True
    elif name.endswith(".sample") and name != "random.sample":
        # A data frame is told a number at most; a generator also what to draw from.
        from_numpy = len(call.args) <= 1
    else:
        from_numpy = _RANDOM_STATE.fullmatch(name) is not None and shuffles is not False
    drawn = {generator for pattern, generator in _DRAWS if pattern.fullmatch(name)}
    return drawn | ({"numpy"} if from_numpy else set())


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None
