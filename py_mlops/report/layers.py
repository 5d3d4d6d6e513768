"""Finds a place for every box: in layers from left to right, with few crossings.

Sugiyama's four steps, each by its textbook heuristic: arrows that close a
circle are turned, layers are longest paths, their order is by barycentres
(K. Sugiyama, S. Tagawa, M. Toda, IEEE Trans. SMC 11(2), 1981), and heights are
means of the neighbours' with the order kept.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Where everything is, in units of boxes.

    Attributes:
        places: By key: the layer, from 0, and the height of the box's middle.
        ways: For each arrow, in order, the points that it goes through.
        layers: How many layers there are.
        height: The height of the whole; every box lies between 0 and it.
    """

    places: dict[str, tuple[int, float]]
    ways: list[list[tuple[int, float]]]
    layers: int
    height: float


def lay_out(keys: Sequence[str], arrows: Sequence[tuple[str, str]]) -> Layout:
    """Find places for boxes.

    Args:
        keys: The boxes, each once; boxes that nothing else orders keep this order.
        arrows: From and to.

    Returns:
        The layout; the same input gives the same.
    """
    forward = _without_circles(keys, arrows)
    layer = _layers(keys, forward)
    chains = [
        _chain(number, source, target, layer) for number, (source, target) in enumerate(forward)
    ]
    for chain in chains:
        for step, key in enumerate(chain):
            layer.setdefault(key, layer[chain[0]] + step)
    near = _neighbours(chains)
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for key, number in layer.items():
        rows[number].append(key)
    _order(rows, near)
    heights = _heights(rows, near)
    top = min(heights.values(), default=0.0) - 0.5
    places = {key: (layer[key], heights[key] - top) for key in layer}
    ways = []
    for chain, turned, given in zip(chains, forward, arrows, strict=True):
        way = [places[key] for key in chain]
        ways.append(way if turned == given else way[::-1])
    return Layout(
        places={key: places[key] for key in keys},
        ways=ways,
        layers=len(rows),
        height=max((height for _, height in places.values()), default=0.0) + 0.5,
    )


def _without_circles(
    keys: Sequence[str], arrows: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the arrows, those turned that lead back to where a search came from."""
    after = defaultdict(list)
    for source, target in arrows:
        after[source].append(target)
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()
    entered = {target for _, target in arrows}
    for root in sorted(keys, key=lambda key: key in entered):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            key, rest = stack[-1]
            found = next(rest, None)
            if found is None:
                state[key] = 2
                stack.pop()
            elif state.get(found) == 1:
                back.add((key, found))
            elif found not in state:
                state[found] = 1
                stack.append((found, iter(after[found])))
    return [(b, a) if (a, b) in back else (a, b) for a, b in arrows]


def _layers(keys: Sequence[str], arrows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return each key's layer: its longest path, but what starts one as near as can be."""
    after, before = defaultdict(set), defaultdict(set)
    for source, target in arrows:
        if source != target:
            after[source].add(target)
            before[target].add(source)
    layer = dict.fromkeys(keys, 0)
    waiting = {key: len(before[key]) for key in keys}
    ready = [key for key in keys if not waiting[key]]
    while ready:
        key = ready.pop()
        for target in sorted(after[key]):
            layer[target] = max(layer[target], layer[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for key in keys:
        if not before[key] and after[key]:
            layer[key] = min(layer[target] for target in after[key]) - 1
    return layer


def _chain(number: int, source: str, target: str, layer: Mapping[str, int]) -> list[str]:
    """Return the keys that an arrow goes through; one for each layer between its ends."""
    between = range(layer[source] + 1, layer[target])
    return [source, *(f"\0{number}\0{step}" for step in between), target]


def _neighbours(chains: Iterable[Sequence[str]]) -> dict[str, tuple[list[str], list[str]]]:
    near: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for chain in chains:
        for left, right in itertools.pairwise(chain):
            if left != right:
                near[left][1].append(right)
                near[right][0].append(left)
    return near


def _order(rows: list[list[str]], near: Mapping[str, tuple[list[str], list[str]]]) -> None:
    """Put each layer's boxes in the best order that some sweeps come upon."""
    best, fewest = [list(row) for row in rows], _crossings(rows, near)
    for sweep in range(_SWEEPS):
        side = sweep % 2  # from the left by what is before, from the right by what is after
        for row in rows if side == 0 else reversed(rows):
            place = {key: index for other in rows for index, key in enumerate(other)}
            means = {key: _mean([place[one] for one in near[key][side]], place[key]) for key in row}
            row.sort(key=means.__getitem__)
        found = _crossings(rows, near)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    rows[:] = best


def _crossings(
    rows: Sequence[Sequence[str]], near: Mapping[str, tuple[list[str], list[str]]]
) -> int:
    place = {key: index for row in rows for index, key in enumerate(row)}
    count = 0
    for row in rows:
        ends = [(place[a], place[b]) for a in row for b in near[a][1]]
        ends.sort()
        count += sum(
            1 for i, (a, b) in enumerate(ends) for c, d in ends[i + 1 :] if a < c and b > d
        )
    return count


def _heights(
    rows: Sequence[Sequence[str]], near: Mapping[str, tuple[list[str], list[str]]]
) -> dict[str, float]:
    """Return heights: near the neighbours', at least one apart, in the layers' order."""
    heights = {key: float(index) for row in rows for index, key in enumerate(row)}
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [
                _mean([heights[one] for side in near[key] for one in side], heights[key])
                for key in row
            ]
            heights.update(zip(row, _apart(wanted), strict=True))
    return heights


def _apart(wanted: Sequence[float]) -> list[float]:
    """Return the heights nearest to the wanted ones that rise by one at least.

    Blocks that would overlap are joined and share their mean (pool adjacent violators).
    """
    blocks: list[tuple[float, int]] = []
    for index, height in enumerate(wanted):
        mean, count = height - index, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean = (before * many + mean * count) / (many + count)
            count += many
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return [mean + index for index, mean in enumerate(means)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
