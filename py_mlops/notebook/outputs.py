"""Whether a rerun's cells showed what they showed before, apart from what differs on every run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple

from py_mlops.notebook.differences import asks, only_ours
from py_mlops.notebook.moments import without_moments
from py_mlops.notebook.varying import varies_alike
from py_mlops.records import CellDifference, CellOutput, ExecutedCell, History

State = Literal["same", "close", "varies", "different", "unknown"]

_CUT = 4096  # the length at which a recorded text was cut
_SHOWN = 300
_ZERO = 1e-12
_UNIT = r"(?:ns|us|µs|μs|ms|s|secs?|seconds?|min|mins|minutes?|h|hours?)\b"
_NUMBER = r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_DURING = "took|elapsed|in|after|time|duration|runtime|eta|finished|done"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_PLACE = r"(?<![\w./~-])(?:/[\w.+@~-]+)*/"  # a folder's absolute path
_DAY = r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[.,]*\s+)?"

_VOLATILE = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", ""),
        (r"(?m)^.*\r(?!\n)(?=.)", ""),
        (r"\b0x[0-9a-fA-F]{5,}\b", "<address>"),
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
        (r"\bIPY_MODEL_[0-9a-f]{32}\b", "<widget>"),
        (r"(?:/private)?(?:/var/folders|/var/tmp|/tmp)/[^\s'\",;:)\]>]+", "<temporary path>"),
        (rf"{_PLACE}(?=lib/python3\.\d+/)", "<environment>/"),
        (rf"{_PLACE}bin/python[\d.]*(?![\w/-])", "<environment>/bin/python"),
        (r"(?im)^[ \t]*(?:CPU times|Wall time|Compiler time|Parser\s+:).*$", "<time>"),
        (r"(?m)^.* per loop \(mean ± .*", "<time>"),
        (r"\[\d+:\d\d[^\]\n]*(?:it/s|s/it|\?)[^\]\n]*\]", "<rate>"),
        (rf"(?:\b\d+s\s+)?{_NUMBER}\s*(?:ns|us|µs|ms|s|min)/(?:step|epoch|sample|it)\b", "<rate>"),
        (rf"{_NUMBER}\s*[kMG]?(?:B|it|iB|step|row|sample|example|token)s?/s(?:ec)?\b", "<rate>"),
        (rf"\b\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK})?(?:Z|[+-]\d\d:?\d\d)?\b", "<time>"),
        (rf"{_DAY}\b{_MONTH}\s+\d{{1,2}},?\s+(?:{_CLOCK}\s+(?:[A-Z]+\s+)*)?\d{{4}}\b", "<time>"),
        (rf"{_DAY}\b\d{{1,2}}\.?[ -]+{_MONTH}[ -]+\d{{4}}\b", "<time>"),
        (r"\b\d{1,2}([/.])\d{1,2}\1(?:19|20)\d\d\b", "<time>"),
        (r"(?<!\d)20\d\d[01]\d[0-3]\d[-_T]?[0-2]\d[0-5]\d[0-5]\d(?!\d)", "<time>"),
        (rf"(?<![\d:]){_CLOCK}(?![\d:])", "<time>"),
        (rf"(?i)\b({_DURING})\b([^\w\n]*){_NUMBER}\s*{_UNIT}", r"\1\2<time>"),
        (rf"(?i)\b(took|elapsed|duration|\w*time)(\s*[:=]\s*){_NUMBER}", r"\1\2<time>"),
        (r"(?i)\b(pid)([ =:]+)\d+", r"\1\2<pid>"),
        (r"(?m)^(?:Over)?[wW]riting (?=\S+$)", "Writing "),  # %%writefile: a rerun starts afresh
    )
]  # fmt: skip
_TOKEN = re.compile(rf"{_NUMBER}(?!\.?\w)|\w+|[^\w\s]")
_REAL = re.compile(_NUMBER)


class Agreement(NamedTuple):
    """How many cells were compared, and how they compared.

    Attributes:
        compared: Cells with an output to compare.
        exact: Of them, those that showed the same.
        close: Those whose numbers differ within the tolerance.
        varying: Those that show something else each time they run.
        different: Those that showed something else.
        unknown: Cells without any output to compare.
    """

    compared: int
    exact: int
    close: int
    varying: int
    different: int
    unknown: int


def normalise(text: str) -> str:
    """Return a text without what differs on every run.

    Addresses, uuids, timings, rates, dates and times, temporary paths, the place
    of the environment and process ids are replaced by words; colours and overwritten progress lines
    are dropped, and whether a written file was there before; runs of blanks
    become one.
    """
    for pattern, by in _VOLATILE:
        text = pattern.sub(by, text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def first_difference(
    recorded: History, rerun: History, rtol: float, again: Sequence[History] = ()
) -> CellDifference | None:
    """Find the first cell that showed something else in the rerun.

    Args:
        recorded: The snapshot's cells.
        rerun: The rerun's, in the same order.
        rtol: How far apart real numbers may be, as a fraction. Whole numbers
            must be equal.
        again: Further reruns' cells: what they show otherwise than the first is
            no difference of the recorded run.

    Returns:
        The cell and what it showed from the first differing line on; ``None``
        when every compared cell agrees.
    """
    for then, now, state in _states(recorded, rerun, rtol, again):
        if state == "different":
            before, after = _parting(_shown(then), _shown(now), rtol)
            line = next((line for line in then.source.splitlines() if line.strip()), "")
            return CellDifference(
                count=then.count, source=line.strip(), recorded=before, rerun=after
            )
    return None


def agreement(
    recorded: History, rerun: History, rtol: float, again: Sequence[History] = ()
) -> Agreement:
    """Count how a rerun's cells compare with the recorded ones; see `first_difference`."""
    states = [state for _, _, state in _states(recorded, rerun, rtol, again)]
    exact, close, varying, different, unknown = (
        states.count(name) for name in ("same", "close", "varies", "different", "unknown")
    )
    return Agreement(len(states) - unknown, exact, close, varying, different, unknown)


def _states(
    recorded: History, rerun: History, rtol: float, again: Sequence[History]
) -> Iterator[tuple[ExecutedCell, ExecutedCell, State]]:
    """Pair the cells by their order, without those that call us."""
    sides = [_counted(side) for side in (recorded, rerun)]
    others = [_counted(side) for side in again]
    heard = all(any(cell.outputs for cell in side) for side in sides)
    for place, (then, now) in enumerate(zip(*sides, strict=False)):
        state: State = "unknown"
        if then.source.rstrip() == now.source.rstrip():
            state = _state(then, now, rtol) if heard else _errors(then, now, rtol)
        alike = [side[place] for side in others if place < len(side)]
        if state == "different" and alike and _excused(then, now, alike):
            state = "varies"
        yield then, now, state


def _counted(side: History) -> list[ExecutedCell]:
    return [cell for cell in side.cells if not asks(cell.source) and not only_ours(cell.source)]


def _excused(then: ExecutedCell, now: ExecutedCell, alike: Sequence[ExecutedCell]) -> bool:
    """Say whether a cell showed something else only where reruns of it do so, too."""
    cells = (then, now, *alike)
    shown = [_pieces(cell) for cell in cells]
    streams = {tuple(stream for stream, _, _ in pieces) for pieces in shown}
    errors = {cell.error is None for cell in cells}
    if len(streams) != 1 or len(errors) != 1:
        return False
    return all(
        varies_alike(*without_moments(*(_TOKEN.findall(normalise(text)) for _, text, _ in pieces)))
        for pieces in zip(*shown, strict=True)
    )


def _state(then: ExecutedCell, now: ExecutedCell, rtol: float) -> State:
    ended = _errors(then, now, rtol)
    if ended == "different" or (then.error is None) != (now.error is None):
        return ended
    before, after = _pieces(then), _pieces(now)
    if not before and not after:
        return ended
    if before == after:
        return "same"
    if [stream for stream, _, _ in before] != [stream for stream, _, _ in after]:
        return "different" if then.watched else "unknown"
    states = [
        _texts(a, b, rtol) if a_digest != b_digest else "same"
        for (_, a, a_digest), (_, b, b_digest) in zip(before, after, strict=True)
    ]
    return max(states, key=("same", "close", "unknown", "different").index)


def _errors(then: ExecutedCell, now: ExecutedCell, rtol: float) -> State:
    """Compare how two cells ended: an error of another kind differs, another text may not."""
    if (then.error is None and now.error is None) or (then.stopped and now.error is not None):
        return "unknown"
    kinds = {cell.error and cell.error.partition(":")[0] for cell in (then, now)}
    if len(kinds) > 1:
        return "different" if then.watched else "unknown"
    if then.error == now.error:
        return "same"
    state = _texts(then.error or "", now.error or "", rtol)
    return "unknown" if state == "different" else state


def _pieces(cell: ExecutedCell) -> list[tuple[str, str, str]]:
    """Return stream, text and digest of the outputs that count: warnings do not."""
    return [(o.stream, o.text, o.digest) for o in cell.outputs if _counts(o)]


def _counts(output: CellOutput) -> bool:
    return output.stream != "stderr" and bool(output.text.strip())


def _texts(a: str, b: str, rtol: float) -> State:
    before, after = normalise(a), normalise(b)
    cut = len(a) >= _CUT or len(b) >= _CUT
    if a == b:
        return "unknown"  # they differ beyond the cut
    if before == after:
        return "same"
    then, now = without_moments(_TOKEN.findall(before), _TOKEN.findall(after))
    return _tokens(then, now, rtol, cut=cut)


def _tokens(a: Sequence[str], b: Sequence[str], rtol: float, *, cut: bool) -> State:
    if cut:  # the last tokens may be halves
        length = min(len(a), len(b)) - 2
        a, b = a[:length], b[:length]
    if len(a) != len(b):
        return "different"
    state: State = "same"
    for then, now in zip(a, b, strict=True):
        if then != now:
            if not _near(then, now, rtol):
                return "different"
            state = "close"
    return state


def _near(a: str, b: str, rtol: float) -> bool:
    if not _REAL.fullmatch(a) or not _REAL.fullmatch(b):
        return False
    whole = not any(mark in text for text in (a, b) for mark in ".eE")
    return not whole and math.isclose(float(a), float(b), rel_tol=rtol, abs_tol=_ZERO)


def _shown(cell: ExecutedCell) -> list[str]:
    lines = [line for _, text, _ in _pieces(cell) for line in text.rstrip("\n").split("\n")]
    return [*lines, cell.error] if cell.error else lines


def _parting(before: Sequence[str], after: Sequence[str], rtol: float) -> tuple[str, str]:
    """Return both texts from the first line in which they part."""
    part = 0
    for then, now in zip_longest(before, after):
        if then is None or now is None or _line_differs(then, now, rtol):
            break
        part += 1
    else:
        part = 0
    shown = ("\n".join(side[part:])[:_SHOWN] for side in (before, after))
    first, second = (text or "(nothing)" for text in shown)
    return first, second


def _line_differs(then: str, now: str, rtol: float) -> bool:
    return then != now and _texts(then, now, rtol) == "different"
