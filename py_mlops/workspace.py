"""Where a person works: their store, their name and their settings."""

from __future__ import annotations

import getpass
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from py_mlops.errors import InputError
from py_mlops.records import Author
from py_mlops.settings import Settings, read_settings
from py_mlops.signing import Signer
from py_mlops.store import Store, open_store
from py_mlops.store.patience import Patience

__all__ = [
    "CLOCKS_APART",
    "Settings",
    "Workspace",
    "find_author",
    "latest",
    "now",
    "open_remote",
    "open_workspace",
    "read_settings",
]

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
CLOCKS_APART = timedelta(hours=1)
"""So far the clocks of two machines may differ before somebody is told."""


@dataclass(frozen=True)
class Workspace:
    """An opened store with the person who works in it; it has no verbs.

    Attributes:
        store: The store.
        author: The person.
        settings: What they have set.
        signer: Signs in their name; ``None`` when they want nothing signed.
    """

    store: Store
    author: Author
    settings: Settings
    signer: Signer | None = None

    @property
    def unsigned(self) -> str:
        """Why nothing of this person's is signed; empty when it is, or nobody wants it."""
        problem = self.signer.problem if self.signer else ""
        return problem and f"What you added is not signed: {problem}."

    @property
    def cache(self) -> Path:
        """Folder for what can be made again."""
        return self.settings.cache


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


def open_workspace(
    store: str | Path | None = None, *, create: bool = True, patience: Patience | None = None
) -> Workspace:
    """Open the store, making it when it is not there yet.

    Args:
        store: A store's address; by default the person's own, see `read_settings`.
        create: Make it when there is none.
        patience: How long a team's servers are waited for.

    Returns:
        The workspace.

    Raises:
        InputError: When there is none and none is to be made.
        StoreError: When the store cannot be opened or made.
    """
    settings = read_settings(store)
    author = find_author()
    signer = Signer(author, settings.config) if settings.sign else None
    opened = open_store(
        settings.store, create=create, cache=settings.cache, signer=signer, patience=patience
    )
    return Workspace(opened, author, settings, signer)


def open_remote(workspace: Workspace, remote: str, *, create: bool) -> Store:
    """Open another store than one's own.

    Args:
        workspace: Whose settings name remotes.
        remote: A name in the settings' table ``[remotes]``, a folder (with a
            slash in it), or a team's address.
        create: Make a store when there is none.

    Returns:
        The store; close it when done.

    Raises:
        InputError: When nothing goes by that name, or it is the workspace's own
            store, or there is none and none is to be made.
        StoreError: When it cannot be opened or made.
    """
    named = workspace.settings.remotes
    address = named.get(remote, remote)
    if remote not in named and "/" not in remote:
        known = f" There are: {', '.join(sorted(named))}." if named else ""
        raise InputError(
            f"No remote is named {remote!r}.",
            hint=f"Name a folder or an address, or put it under [remotes] in settings.toml.{known}",
        )
    if "://" not in address:
        address = str(Path(address).expanduser().absolute())
    store = open_store(address, create=create, cache=workspace.cache, signer=workspace.signer)
    if store.ledger.name() == workspace.store.ledger.name():
        store.close()
        raise InputError(
            f"{remote} is the store you work in.", hint="Name another store, or set MLOPS_STORE."
        )
    return store


def now() -> str:
    """Return the present moment as records write it, in UTC with microseconds."""
    return datetime.now(UTC).strftime(_TIME)


def latest() -> str:
    """Return the latest moment that another machine's clock may show now, as records write it."""
    return (datetime.now(UTC) + CLOCKS_APART).strftime(_TIME)
