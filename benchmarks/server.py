"""How long the routes behind the panel take where a store has ten thousand snapshots.

Run it with ``python -m benchmarks server``. Beside them stand two answers of the same Jupyter
server: the smallest it has, and a folder of as many files as a page has snapshots.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.figures import Figure, table
from py_mlops.server.contract import BASE
from py_mlops.workspace import open_workspace
from tests.jupyter import TOKEN, Server, jupyter_server
from tests.panels.large import MODELS, SNAPSHOTS, cell, stock, with_notebook

TIMES, PAIRS = 30, 3
LIST, BADGE = 0.030, 0.100
"""Seconds that an answer may take, on a machine of two processors."""


@dataclass
class Large:
    """A running server with a large store.

    Attributes:
        few: Pairs of ids of snapshots of 300 cells, of which 10 differ.
        all: Ids of two snapshots of 400 cells that all differ.
    """

    server: Server
    few: list[tuple[str, str]]
    all: tuple[str, str]


def filled(store: Path) -> tuple[list[tuple[str, str]], tuple[str, str]]:
    """Make a large store, and in it pairs of long notebooks; return their ids."""
    store.mkdir(parents=True)
    workspace = open_workspace(store)

    def add(name: str, sources: list[str]) -> str:
        return with_notebook(workspace.store, name, sources)

    try:
        stock(workspace.store)
        numbers = [range(start, start + 300) for start in range(PAIRS)]
        few = [
            (
                add("long", [cell(number) for number in each]),
                add("long", [cell(number, changed=number % 30 == 7) for number in each]),
            )
            for each in numbers
        ]
        first, second = (
            add("all", [f"{word}_{number} = [{number}] * 7" for number in range(400)])
            for word in ("first", "second")
        )
    finally:
        workspace.store.close()
    return few, (first, second)


@contextmanager
def large_server(home: Path, *words: str) -> Iterator[Large]:
    """Run a Jupyter server with a large store, whose lists it has read to the end."""
    (home / "work" / "many").mkdir(parents=True)
    for number in range(200):
        (home / "work" / "many" / f"{number}.csv").write_text("1\n")
    few, all_ = filled(home / "store")
    with jupyter_server(home, *words) as server:
        asked = ask(server)
        while (store := asked("/status").json()["store"])["indexed"] < store["records"]:
            time.sleep(0.5)
        yield Large(server, few, all_)


class ask:  # noqa: N801 - called like a function
    """Asks a server's routes over one connection."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"token {TOKEN}"
        self._url = server.url

    def __call__(self, path: str, base: str = BASE) -> requests.Response:
        """Return the answer to a question, which must be a good one."""
        answer = self._session.get(f"{self._url}{base}{path}", timeout=90)
        answer.raise_for_status()
        return answer


def seconds(asked: ask, path: str, base: str = BASE, times: int = TIMES) -> list[float]:
    """Ask a question many times over; return how long each answer took."""
    asked(path, base)
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        asked(path, base)
        measured.append(time.perf_counter() - start)
    return measured


def compared(asked: ask, name: str, pair: tuple[str, str]) -> list[Figure]:
    """Compare the notebooks of two snapshots for the first time, and again."""
    path = f"/compare/notebook?a={pair[0]}&b={pair[1]}"
    start = time.perf_counter()
    answer = asked(path)
    took = time.perf_counter() - start
    found = answer.json()
    said = f"{found['changed']} changed, by {found['method']}, {len(answer.content):,} bytes"
    print(f"  {name}: {said}. {found['message']}")
    return [
        Figure(f"{name}, first time", [took]),
        Figure(f"{name}, again", seconds(asked, path, times=5)),
    ]


def main() -> None:
    """Fill the store, and ask."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as held:
        start = time.perf_counter()
        with large_server(Path(held)) as large:
            ready = time.perf_counter() - start
            asked = ask(large.server)
            deep = asked("/snapshots?limit=200").json()["next"]
            for _ in range(25):
                deep = asked(f"/snapshots?limit=200&cursor={deep}").json()["next"]
            a, b = large.few[0]
            figures = [
                Figure("the smallest answer of the same server", seconds(asked, "/status", "/api")),
                Figure("a folder of 200 files of it", seconds(asked, "/contents/many", "/api")),
                Figure("status", seconds(asked, "/status"), LIST),
                *(
                    Figure(name, seconds(asked, path), LIST)
                    for name, path in (
                        ("snapshots, 50", "/snapshots"),
                        ("snapshots, 200", "/snapshots?limit=200"),
                        ("snapshots, 200, from the middle", f"/snapshots?limit=200&cursor={deep}"),
                        ("snapshots of one model, 200", "/snapshots?limit=200&model=model-007"),
                        ("snapshots, search, few match", "/snapshots?search=model-007+loss"),
                        ("snapshots, search, nothing matches", "/snapshots?search=nowhere"),
                        ("models, 200", "/models?limit=200"),
                        ("models, search", "/models?search=19"),
                        ("jobs", "/jobs"),
                    )
                ),
                Figure("one snapshot", seconds(asked, f"/snapshots/{a}"), BADGE),
                Figure("its model's metrics", seconds(asked, f"/snapshots/{a}/history"), BADGE),
                Figure("compare, without notebooks", seconds(asked, f"/compare?a={a}&b={b}"), 1),
            ]
            notebooks = [
                figure
                for name, pair in (("10 of 300 differ", large.few[0]), ("400 differ", large.all))
                for figure in compared(asked, name, pair)
            ]
            table(f"{SNAPSHOTS:,} snapshots of {MODELS} models, by HTTP", figures)
            table("Notebooks of two snapshots, by HTTP: how many cells", notebooks)
    print(f"  (made and read in {ready:.0f} s)")
