"""The verdict on a rerun: from comparisons to one word, its reason and its likely cause."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from py_mlops.records import Axis, CellDifference, Level, MetricComparison, PredictionComparison

_RANK = ("same", "equivalent", "close", "different")
_NO_PROGRAM = re.compile(
    r"^.*?([^:\n]+: (?:command )?not found)\s*$", re.MULTILINE
)  # as shells say it
_LEVELS: dict[str, Level] = {
    "same": "identical",
    "equivalent": "equivalent",
    "close": "within tolerance",
    "different": "different",
}


class Judgement(NamedTuple):
    """A verdict with its reason, both for the record."""

    level: Level
    reason: str


def judge(
    metrics: Sequence[MetricComparison],
    predictions: Sequence[PredictionComparison],
    outputs: Axis,
    varying: int = 0,
    files: Axis | None = None,
) -> Judgement:
    """Judge a rerun that came to its end.

    Predictions on held-out inputs and metrics decide together: the verdict is
    the worse of the two, except that predictions which differ row by row while
    every metric stays within its tolerance are *within tolerance*, because two
    trainings of equal quality need not err on the same rows. With neither, the
    cells' printed outputs decide, and the reason says so; what two reruns print
    differently from each other makes it *within tolerance* at best. Where no cell
    showed anything, the files that the program wrote decide.

    Args:
        metrics: Every recorded metric's comparison.
        predictions: Every prediction method's comparison.
        outputs: The axis of the cells' outputs.
        varying: How many cells print something else each time they run.
        files: The axis of the files that the program wrote.

    Returns:
        The verdict, ``cannot`` when there is nothing to compare at all.
    """
    if not metrics and not predictions:
        return _by_outputs(outputs, varying, files)
    worst_metric = _worst([item.state for item in metrics])
    worst_answer = _worst([item.state for item in predictions])
    if metrics and worst_answer == "different" and worst_metric != "different":
        worst_answer = "close"
    worst = _worst([worst_metric, worst_answer])
    return Judgement(_LEVELS[worst], _reason(worst, metrics, predictions))


def _worst(states: Sequence[str]) -> str:
    return max(states, key=_RANK.index, default="same")


def _reason(
    worst: str,
    metrics: Sequence[MetricComparison],
    predictions: Sequence[PredictionComparison],
) -> str:
    measured = []
    if predictions:
        rows = max(item.rows for item in predictions)
        measured.append(f"the model's answers on {rows:,} held-out rows")
    if metrics:
        measured.append("the metric" + ("s" if len(metrics) > 1 else ""))
    what = " and ".join(measured)
    verb, ones = ("is", "one") if what == "the metric" else ("are", "ones")
    if worst == "same":
        return f"{what[:1].upper()}{what[1:]} {verb} bit for bit the recorded {ones}."
    if worst == "equivalent":
        return f"{what[:1].upper()}{what[1:]} {verb} the recorded {ones} up to numeric noise."
    apart = [item for item in metrics if item.state in {"close", "different"}]
    if apart:
        return " ".join(_metric_sentence(item) for item in apart)
    furthest = max(predictions, key=lambda one: (_RANK.index(one.state), -one.agree))
    answered = _answer_sentence(furthest)
    return f"Every metric agrees, and {answered}" if metrics else answered


def _answer_sentence(item: PredictionComparison) -> str:
    """Say how far answers are apart: few numbers are the same, of many that are nearly so."""
    told = f"{item.method} gives the recorded answer on {item.agree:.1%} of the held-out rows"
    if not item.largest:
        return f"{told}."
    allowed = ", which is within their tolerance" * (item.state == "close")
    return f"{told}; numbers elsewhere differ by at most {item.largest:.2g}{allowed}."


def _metric_sentence(item: MetricComparison) -> str:
    if item.rerun is None:
        return f"{item.name} was {item.recorded:.6g} and the rerun has no finite value for it."
    tolerance = f"the tolerance of {item.tolerance:.3g}" + (" of its value" * item.relative)
    where = f"inside {tolerance}" if item.state == "close" else f"outside {tolerance}"
    if item.band:
        low, high = item.band
        band = f"the noise band {low:.4g} to {high:.4g}"
        if low <= item.recorded <= high:
            where = f"inside {band}"
        else:  # then only the tolerance can have let it pass
            where = f"outside {band}" + (f" but {where}" if item.state == "close" else "")
    return f"{item.name} was {item.recorded:.6g} and is now {item.rerun:.6g}, {where}."


def _by_outputs(outputs: Axis, varying: int, files: Axis | None) -> Judgement:
    only = (
        "No metric and no held-out inputs were named, so only what the cells printed was compared"
    )
    if outputs.state == "same":
        return Judgement("equivalent", f"{only}. {outputs.text}")
    if outputs.state == "close" and varying:
        return Judgement("within tolerance", f"{only}. {outputs.text}")
    if outputs.state == "close":
        return Judgement("equivalent", f"{only}, up to numeric noise. {outputs.text}")
    if outputs.state == "different":
        return Judgement("different", f"{only}: {outputs.text}")
    if files is not None:
        level = _LEVELS["equivalent" if files.state == "same" else files.state]
        return Judgement(
            level,
            "No metric and no held-out inputs were named and no cell showed anything, so only the "
            f"files that the program wrote were compared. {files.text}",
        )
    return Judgement(
        "cannot",
        "The rerun came to its end, but there is nothing to compare: no metric, no held-out "
        "inputs, nothing that a cell showed, and no file that it wrote.",
    )


def likely_cause(
    level: Level,
    axes: Sequence[Axis],
    *,
    unseeded: bool,
    lost: str = "",
    unseen: str = "",
    varies: bool = False,
    entropy: str = "",
    moment: str = "",
) -> str:
    """Name the likely cause of a difference from the other axes.

    Axes are asked in the order in which they explain most: data that are not
    the recorded ones explain anything; then the code; what the first differing
    cell took in and a rerun cannot have; packages that are others (one that is
    missing makes a program fail, and comes last); what that cell may have taken in
    unseen; a missing seed, the machine; and when all of these are the same, only
    randomness is left.

    Args:
        level: The verdict.
        axes: The comparison, axis by axis.
        unseeded: Whether the program draws random numbers without a seed, as
            far as its text shows, or reruns of it differed among themselves.
        lost: What the first differing, or the failing, cell took in and the rerun
            certainly lacked: a file that the recorded run never read, an answer from
            outside that is not kept, a program that is not there.
        unseen: What that cell may have taken in, because nobody could watch it.
        varies: Whether two reruns of the very same part from each other where they
            part from the recorded run, so that no package can be the cause.
        entropy: Which cell draws from the system's own chance; empty for none.
        moment: Which cell hangs on the time or on how long something takes; empty for none.

    Returns:
        One sentence; empty when the rerun came out the same, or failed with all
        it needs in its place.
    """
    if level not in {"within tolerance", "different", "failed"}:
        return ""
    states: dict[str, Axis] = {axis.name: axis for axis in axes}
    told = _differing(states, "data", "code") or lost
    if level == "failed" or not (varies or _only_lacks(states)):
        told = told or _differing(states, "environment")
    if level == "failed":
        return told or (f"time: {moment}" if moment else "")
    chance = _Chance(unseeded, entropy, moment)
    return told or unseen or _by_itself(states, chance, varies=varies)


def _only_lacks(states: Mapping[str, Axis]) -> bool:
    """Say whether packages are missing and none is another: who needs them fails without."""
    axis = states.get("environment")
    return (
        axis is not None
        and bool(axis.details)
        and all(line.startswith("- ") for line in axis.details)
    )


def _differing(states: Mapping[str, Axis], *names: str) -> str:
    for name in names:
        axis = states.get(name)
        if axis and axis.state == "different":
            first = f" The first is {axis.details[0]}." if axis.details else ""
            return f"{name}: {axis.text}{first}"
    return ""


def missing_program(difference: CellDifference) -> str:
    """Say that a cell runs a program which only one of the two machines has; else empty.

    Args:
        difference: The first cell that shows something else.
    """
    first = "program: the first cell that shows something else runs one that"
    if line := _lacked(difference.rerun, difference.recorded):
        return f"{first} is not there. {line}"
    if line := _lacked(difference.recorded, difference.rerun):
        return f"{first} was not there in the recorded run, and that this machine has. Then: {line}"
    return ""


def _lacked(shown: str, other: str) -> str:
    """Return the line by which a shell says that a program is not there, on one side only."""
    said = _NO_PROGRAM.search(shown)
    return said[0].strip() if said and said[1].strip() not in other else ""


class _Chance(NamedTuple):
    """What of a program varies by itself, see `likely_cause`."""

    unseeded: bool
    entropy: str
    moment: str


def _by_itself(states: Mapping[str, Axis], chance: _Chance, *, varies: bool) -> str:
    """Explain what differs although data, code and packages are the recorded ones."""
    lacks = _only_lacks(states) and not varies
    hardware = states.get("hardware")
    measured = [states[name] for name in ("predictions", "metrics") if name in states]
    same = "data, code, packages and machine are the recorded ones"
    if chance.unseeded:
        packages = "code, and what is there of packages" if lacks else "code and packages"
        told = (
            f"seed: data, {packages} are the recorded ones, and the program draws "
            "random numbers without a fixed seed."
        )
    elif chance.entropy:
        told = f"seed: {chance.entropy}, which is new each time, and which no rerun gets again."
    elif hardware and hardware.state in {"close", "different"}:
        told = f"hardware: {hardware.text}"
    elif lacks:
        told = _differing(states, "environment")
    elif chance.moment:
        told = f"time: {same}, and {chance.moment}"
    elif all(axis.state == "unknown" for axis in measured):
        told = (
            f"the cell itself: {same}, so what it "
            "shows changes from run to run (a time, a process's number, the machine's name, the "
            "order in which threads end, or numbers drawn anew)."
        )
    else:
        told = (
            f"seed: {same}, so the training itself "
            "varies from run to run; `mlops reproduce --calibrate 5` measures by how much."
        )
    return told
