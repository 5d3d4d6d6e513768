"""A store that may only be read: it is read, also while somebody else writes to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from py_mlops.workspace import open_workspace
from tests import handovers

READER = """
import os, sys
from pathlib import Path
from py_mlops.commands.catalogue.catalogue import open_catalogue
from py_mlops.commands.catalogue.inspect import snapshot_detail
from py_mlops.errors import StoreUnavailable
from py_mlops.records import Author
from py_mlops.settings import Settings
from py_mlops.workspace import open_workspace
home, store = Path(sys.argv[1]), sys.argv[2]
if os.getuid() == 0:  # root may write anywhere; who is nobody finds no module any more
    for name in ("utf-8-sig", "utf-16be", "latin-1", "ascii"):
        "".encode(name)
    os.chown(home, 65534, 65534)
    os.setuid(65534)
os.environ.update(HOME=str(home), MLOPS_CACHE=str(home / "cache"), MLOPS_SIGN="0",
                  MLOPS_AUTHOR="Bea <bea@example.org>")
workspace = open_workspace(store, create=False)
for _ in sys.stdin:
    catalogue = open_catalogue(workspace)
    catalogue.follower.refresh()
    items = catalogue.snapshots().items
    print(len(items), snapshot_detail(workspace, catalogue, items[0].id).bytes > 0, flush=True)
    catalogue.close()
try:
    workspace.store.add(workspace.store.get(items[0].id), author=workspace.author)
    workspace.store.ledger.append([])
    print("written")
except StoreUnavailable as error:
    print(error.hint)
"""


def reader(home: Path, store: Path) -> subprocess.Popen[str]:
    """Start somebody who may read a store and not write it."""
    return subprocess.Popen(
        [sys.executable, "-c", READER, str(home), str(store)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def ask(process: subprocess.Popen[str]) -> str:
    """Have the reader look, and return what they see."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def allow(store: Path, *, writing: bool) -> None:
    """Let a store be written, or only be read by anybody."""
    for path in [store.parent, store, *store.rglob("*")]:
        kind = 0o777 if path.is_dir() else 0o666
        path.chmod(kind if writing else kind & 0o555)


@contextmanager
def shared() -> Iterator[tuple[Path, Path]]:
    """Make a store that anybody may come near, and a home; tmp_path's parents are private."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as home:
        Path(name).chmod(0o755)
        yield Path(name) / "store", Path(home)


def test_a_read_only_store_is_read(tmp_path: Path) -> None:
    """It is listed, what its owner adds is seen, and writing is refused with a way out."""
    with shared() as (store, home):
        workspace = open_workspace(store)
        said = handovers.a_project(tmp_path / "project")
        handovers.take(workspace, tmp_path / "a", said, model=handovers.MODEL)
        workspace.store.close()
        allow(store, writing=False)
        with reader(home, store) as process:
            assert ask(process) == "1 True"
            allow(store, writing=True)
            workspace = open_workspace(store)
            changed = said | {"metrics": {"accuracy": 0.5}}
            handovers.take(workspace, tmp_path / "b", changed, model=handovers.MODEL)
            allow(store, writing=False)
            assert ask(process) == "2 True"
            workspace.store.close()
            allow(store, writing=False)
            assert ask(process) == "2 True"
            out, _ = process.communicate()
        assert "MLOPS_STORE" in out or "mounted read-only" in out
        allow(store, writing=True)
