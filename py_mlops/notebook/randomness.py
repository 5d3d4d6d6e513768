"""Whether a program draws random numbers without a fixed seed, as far as its text shows."""

from __future__ import annotations

import re

from py_mlops.records import History

_DRAWS = re.compile(
    r"\brandom\.|\bnp\.random\b|numpy\.random|default_rng|\btorch\b|tensorflow|keras|\bjax\b"
    r"|shuffle|sample\(|train_test_split|RandomForest|ExtraTrees|GradientBoosting|MLP|KMeans"
    r"|SGD|Dropout|XGB|LGBM|Bagging|IsolationForest|GaussianMixture"
)
_SEEDS = re.compile(
    r"random_state\s*=\s*(?!None)|seed\s*\(\s*\w|default_rng\s*\(\s*\w|RandomState\s*\(\s*\w"
    r"|PRNGKey\s*\(|set_seed\s*\(|\bseed\s*=\s*(?!None)|['\"]seed['\"]\s*:"
)


def draws_without_seed(history: History) -> bool:
    """Say whether the executed code seems to draw random numbers and never sets a seed.

    It reads the text only, so it is a hint for the likely cause of a difference
    and never a reason for a verdict.

    Args:
        history: What was executed.

    Returns:
        True when a library that draws random numbers is used and no seed is.
    """
    text = "\n".join(cell.source for cell in history.cells)
    return bool(_DRAWS.search(text)) and not _SEEDS.search(text)
