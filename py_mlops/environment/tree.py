"""Working trees: an editable distribution's state of version control, and its wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from py_mlops.environment import uv
from py_mlops.environment.install import last_words

_LARGEST = 500 * 2**20
_MOST = 100_000
_PATIENCE = 60  # seconds, for git
_SKIPPED = {"__pycache__", "build", "dist", "env", "node_modules", "venv"}
_SKIPPED |= {".git", ".hg", ".svn", ".tox", ".nox", ".venv", ".ipynb_checkpoints"}
_SKIPPED |= {".mypy_cache", ".pytest_cache", ".ruff_cache"}


class CannotBuild(Exception):  # noqa: N818 - it is a reason, told in a hole
    """A working tree's wheel could not be made."""


class Tree(NamedTuple):
    """A working tree as it is now.

    Attributes:
        folder: Its project's folder.
        files: Its files relative to that; without what git ignores.
        stamp: A digest that changes whenever a file of it does.
    """

    folder: Path
    files: list[str]
    stamp: str


def folder_of(origin: str) -> Path:
    """Return the folder that a ``file:`` URL names."""
    return Path(unquote(urlsplit(origin).path))


def look(folder: Path) -> Tree:
    """List a working tree; no file is read.

    Raises:
        CannotBuild: When it is gone or too large to be copied.
    """
    if not folder.is_dir():
        raise CannotBuild(f"{folder} is not there")
    files = _tracked(folder)
    if files is None:
        files = _walked(folder)
    digest, total = hashlib.sha256(b"1"), 0
    for name in files:
        try:
            about = (folder / name).lstat()
        except OSError:
            continue  # deleted, but git still knows it
        total += about.st_size
        digest.update(f"{name}\0{about.st_size},{about.st_mtime_ns}\n".encode(errors="replace"))
    if total > _LARGEST or len(files) > _MOST:
        raise CannotBuild(f"{folder} holds {len(files):,} files of {total >> 20:,} MiB")
    return Tree(folder, files, digest.hexdigest())


def _tracked(folder: Path) -> list[str] | None:
    """Return the files that git tracks or would; None without git."""
    said = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if said is None:
        return None
    return sorted({os.fsdecode(name) for name in said.split(b"\0") if name})


def _walked(folder: Path) -> list[str]:
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        found += [str(Path(place, name).relative_to(folder)) for name in files]
        if len(found) > _MOST:
            break
    return sorted(found)


def version_control(tree: Tree) -> tuple[str, bytes] | None:
    """Return the commit a tree is at, and what was changed since.

    New files are part of the diff. The repository itself is not written to.

    Args:
        tree: The working tree.

    Returns:
        The commit, empty before the first one, and the diff; None without git.
    """
    top = _git(tree.folder, "rev-parse", "--absolute-git-dir")
    if top is None:
        return None
    commit = (_git(tree.folder, "rev-parse", "--verify", "--quiet", "HEAD") or b"").decode().strip()
    with tempfile.TemporaryDirectory(prefix="mlops-git-", ignore_cleanup_errors=True) as held:
        # New files are only named in a copy of the index, and objects go elsewhere too.
        repository = Path(os.fsdecode(top.strip()))
        index, objects = Path(held, "index"), Path(held, "objects")
        objects.mkdir()
        if (repository / "index").is_file():
            shutil.copy(repository / "index", index)
        shared = _git(tree.folder, "rev-parse", "--git-path", "objects") or b""
        places = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(
                (tree.folder / os.fsdecode(shared.strip())).resolve()
            ),
        }
        _git(tree.folder, "add", "--intent-to-add", "--", ".", environment=places)
        against = [commit] if commit else []
        diff = _git(
            tree.folder, "diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv",
            *against, "--", ".", environment=places,
        )  # fmt: skip
    return commit, diff or b""


def _git(folder: Path, *words: str, environment: dict[str, str] | None = None) -> bytes | None:
    """Ask git; None when it is not there or says no."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        said = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *words],
            cwd=folder,
            env=outside | {"GIT_OPTIONAL_LOCKS": "0"} | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout if said.returncode == 0 else None


def build(tree: Tree, folder: Path, *, python: str, name: str, version: str) -> Path:
    """Build the wheel of a working tree as it is, in a copy of it.

    Build backends leave files behind, and setuptools packs what an earlier
    build left; so the tree itself is not built in.

    Args:
        tree: The working tree.
        folder: Where the wheel is written.
        python: The interpreter it is built for.
        name: The distribution's normalised name.
        version: Its installed version, for backends that ask version control.

    Raises:
        CannotBuild: When its build fails.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-tree-", ignore_cleanup_errors=True) as held:
        copy = Path(held, tree.folder.name or "tree")
        _copy(tree, copy)
        variable = f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name.replace('-', '_').upper()}"
        said = ""
        for network in _tries():
            answer = uv.run(
                ["build", "--wheel", "--quiet", "--python", python,
                 "--out-dir", folder, *network, copy],
                folder=Path(held),
                settings={variable: version, "GIT_OPTIONAL_LOCKS": "0"},
            )  # fmt: skip
            said = answer.error
            if answer.ok:
                break
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise CannotBuild(last_words(said) or "its build left no wheel")
    return found[0]


def _tries() -> Sequence[list[str]]:
    return [["--offline"]] if uv.told_offline() else [["--offline"], []]


def _copy(tree: Tree, target: Path) -> None:
    """Copy the files of a tree; its copy knows the same repository."""
    try:
        for name in tree.files:
            source, copy = tree.folder / name, target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                copy.symlink_to(source.readlink())
            elif source.is_file():
                shutil.copy2(source, copy)
    except OSError as error:
        raise CannotBuild(f"it cannot be copied: {error}") from error
    if (tree.folder / ".git").exists():
        top = _git(tree.folder, "rev-parse", "--absolute-git-dir")
        if top:
            (target / ".git").write_bytes(b"gitdir: " + top.strip() + b"\n")
