"""The types that a skops file may hold without a question: ours to say, never the file's.

skops trusts scikit-learn's public estimators, numpy's numbers and a few more, and
reports every other type as untrusted, also many that scikit-learn itself puts
into a fitted model. This list adds those. It was made by fitting every estimator
of ``sklearn.utils.all_estimators()`` and some 170 further combinations of losses,
kernels, metrics, splitters and scorers, with scikit-learn 1.5 under skops 0.11 and
1.9 under 0.16, and collecting ``skops.io.get_untrusted_types``; then each name was
read. Kept were types of scikit-learn, scipy and numpy that are data, and
functions that only compute numbers from their arguments.

Left out on purpose, so that loading them asks:

- ``scipy.stats`` distributions: their ``__setstate__`` runs ``exec`` on a string
  out of the state;
- ``functools.partial`` and ``sklearn.utils.validation.check_array``, which
  histogram gradient boosting with categories holds: a partial is a program;
- distance metrics with weights or matrices, which index them unchecked.

Trees, neighbour indices and splines hold positions that compiled code follows
unchecked (skops leaves ``Tree`` out for that): `py_mlops.model.soundness` checks
them after loading. To add a type, read its ``__setstate__``, ``__reduce__`` and
``__new__`` first.
"""

from __future__ import annotations

_LOSSES = (
    "AbsoluteError", "ExponentialLoss", "HalfBinomialLoss", "HalfGammaLoss",
    "HalfMultinomialLoss", "HalfPoissonLoss", "HalfSquaredError", "HalfTweedieLoss",
    "HalfTweedieLossIdentity", "HuberLoss", "PinballLoss",
)  # fmt: skip
_LINKS = (
    "HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit",
)  # fmt: skip
_KERNELS = (
    "CompoundKernel", "ConstantKernel", "DotProduct", "ExpSineSquared", "Exponentiation",
    "Hyperparameter", "Matern", "PairwiseKernel", "Product", "RBF", "RationalQuadratic", "Sum",
    "WhiteKernel",
)  # fmt: skip
_SPLITTERS = (
    "GroupKFold", "GroupShuffleSplit", "KFold", "LeaveOneGroupOut", "LeaveOneOut",
    "LeavePGroupsOut", "LeavePOut", "PredefinedSplit", "RepeatedKFold", "RepeatedStratifiedKFold",
    "ShuffleSplit", "StratifiedGroupKFold", "StratifiedKFold", "StratifiedShuffleSplit",
    "TimeSeriesSplit",
)  # fmt: skip
_DISTANCES = ("ChebyshevDistance", "EuclideanDistance", "ManhattanDistance", "MinkowskiDistance")
_SELECTION_SCORES = ("chi2", "f_classif", "f_regression", "r_regression")
_METRICS = (
    "_classification.accuracy_score", "_classification.balanced_accuracy_score",
    "_classification.brier_score_loss", "_classification.cohen_kappa_score",
    "_classification.f1_score", "_classification.fbeta_score", "_classification.jaccard_score",
    "_classification.log_loss", "_classification.matthews_corrcoef",
    "_classification.precision_score", "_classification.recall_score",
    "_ranking.average_precision_score", "_ranking.ndcg_score", "_ranking.roc_auc_score",
    "_ranking.top_k_accuracy_score", "_regression.explained_variance_score",
    "_regression.max_error", "_regression.mean_absolute_error",
    "_regression.mean_absolute_percentage_error", "_regression.mean_gamma_deviance",
    "_regression.mean_poisson_deviance", "_regression.mean_squared_error",
    "_regression.mean_squared_log_error", "_regression.median_absolute_error",
    "_regression.r2_score", "_regression.root_mean_squared_error",
    "_regression.root_mean_squared_log_error",
)  # fmt: skip

TYPES = frozenset(
    {
        "numpy.dtype",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.impute._iterative.IterativeImputer",
        "sklearn.impute._iterative._ImputerTriplet",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._classification_threshold._CurveScorer",
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    }
    | {f"sklearn._loss.loss.{name}" for name in _LOSSES}
    | {f"sklearn._loss.link.{name}" for name in _LINKS}
    | {f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS}
    | {f"sklearn.model_selection._split.{name}" for name in _SPLITTERS}
    | {f"sklearn.metrics._dist_metrics.{name}{bits}" for name in _DISTANCES for bits in (32, 64)}
)
"""Types that are data."""

FUNCTIONS = frozenset(
    {
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
    }
    | {f"sklearn.feature_selection._univariate_selection.{name}" for name in _SELECTION_SCORES}
    | {f"sklearn.metrics.{name}" for name in _METRICS}
)
"""Functions that models refer to and that, called with anything, only compute numbers."""

ALLOWED = TYPES | FUNCTIONS
"""Every name that loads without a question, beyond what skops itself trusts."""
