"""Where a person works: their store, their name, their caches and their settings."""

from __future__ import annotations

import getpass
import os
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import platformdirs

from py_mlops.errors import InputError
from py_mlops.records import Author
from py_mlops.store import Store, open_store

_APP = "py-mlops"


@dataclass(frozen=True)
class Settings:
    """What a person has set, from ``settings.toml`` and the environment.

    Attributes:
        store: The store's folder.
        cache: Folder for environments, locks and reruns; it may be deleted.
        ignore: Further patterns of files to leave out of snapshots.
    """

    store: Path
    cache: Path
    ignore: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What ``settings.toml`` may hold; a misspelt setting is an error, not silence."""

    store: str = ""
    cache: str = ""
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workspace:
    """An opened store with the person who works in it; it has no verbs."""

    store: Store
    author: Author
    settings: Settings

    @property
    def cache(self) -> Path:
        """Folder for what can be made again."""
        return self.settings.cache


def read_settings(store: Path | None = None) -> Settings:
    """Read the settings.

    The store is, in this order: the argument, ``MLOPS_STORE``, ``store`` in
    ``settings.toml`` of the platform's configuration folder, the platform's
    data folder. The cache likewise with ``MLOPS_CACHE`` and ``cache``.

    Args:
        store: A store's folder given by the caller.

    Returns:
        The settings; no folder is made.

    Raises:
        InputError: When ``settings.toml`` cannot be read.
    """
    path = platformdirs.user_config_path(_APP) / "settings.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        said = msgspec.convert(table, _File)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The settings in {path} cannot be read: {error}.",
            hint="Correct that file or move it away; every setting has a default.",
        ) from error
    chosen = store or os.environ.get("MLOPS_STORE") or said.store
    cache = os.environ.get("MLOPS_CACHE") or said.cache
    return Settings(
        store=_absolute(chosen) if chosen else platformdirs.user_data_path(_APP) / "store",
        cache=_absolute(cache) if cache else platformdirs.user_cache_path(_APP),
        ignore=said.ignore,
    )


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def find_author() -> Author:
    """Find out who is working, and how far that is known.

    On JupyterHub it is the Hub's user; else ``MLOPS_AUTHOR`` (``Name <mail>``);
    else git's configuration; else the login name, marked unverified.

    Returns:
        The author to put into records.
    """
    hub = os.environ.get("JUPYTERHUB_USER")
    if hub:
        return Author(name=hub, email=None, source="jupyterhub")
    given = os.environ.get("MLOPS_AUTHOR")
    if given:
        name, _, rest = given.partition("<")
        email = rest.rstrip("> ")
        return Author(name=name.strip() or email, email=email or None, source="environment")
    name, email = _git("user.name"), _git("user.email")
    if name:
        return Author(name=name, email=email or None, source="git")
    return Author(name=_login(), email=None, source="unverified")


def _git(key: str) -> str:
    try:
        found = subprocess.run(
            ["git", "config", "--get", key], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def open_workspace(store: Path | None = None) -> Workspace:
    """Open the store, making it when it is not there yet.

    Args:
        store: A store's folder; by default the person's own, see `read_settings`.

    Returns:
        The workspace.

    Raises:
        StoreError: When the store cannot be opened or made.
    """
    settings = read_settings(store)
    return Workspace(open_store(settings.store), find_author(), settings)


def now() -> str:
    """Return the present moment as records write it, in UTC with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
