"""What a person has set for all their work: ``settings.toml``, and the environment before it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import platformdirs

from py_mlops.errors import InputError

APP = "py-mlops"
_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


RETENTION = 183
"""Days; the six months for which the EU's AI Act (Art. 19 and 26) wants logs to be kept."""


@dataclass(frozen=True)
class Settings:
    """What a person has set, from ``settings.toml`` and the environment.

    Attributes:
        store: The store's address: its folder, absolute, or a team's
            ``postgresql://…?blobs=…``. It holds no password.
        cache: Folder for environments, locks and reruns; it may be deleted.
        ignore: Further patterns of files to leave out of snapshots.
        observe: Whether Jupyter's kernels are observed from their start.
        vault: Whether a snapshot keeps the wheels of its whole environment.
        remotes: Addresses of other stores, by the names given to them.
        sign: Whether what is added to a store is signed.
        retention: Days for which what logs of predictions say is kept; records are for ever.
        config: Folder of ``settings.toml``, the private key and the keys one trusts.
    """

    store: str
    cache: Path
    ignore: tuple[str, ...]
    observe: bool = True
    vault: bool = False
    remotes: Mapping[str, str] = field(default_factory=dict)
    sign: bool = True
    retention: int = RETENTION
    config: Path = field(default_factory=lambda: platformdirs.user_config_path(APP))


class _Team(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[store]``: a team's store in two parts."""

    ledger: str
    blobs: str

    def address(self) -> str:
        """Return both as one address."""
        joint = "&" if "?" in self.ledger else "?"
        return f"{self.ledger}{joint}{urlencode({'blobs': self.blobs})}"


class _Retention(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[retention]``: days, by kind of record."""

    predictions: Annotated[int, msgspec.Meta(ge=1, le=36500)] = RETENTION


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """What ``settings.toml`` may hold; a misspelt setting is an error, not silence."""

    store: str | _Team = ""
    cache: str = ""
    ignore: tuple[str, ...] = ()
    observe: bool = True
    vault: bool = False
    sign: bool = True
    retention: _Retention = msgspec.field(default_factory=_Retention)
    remotes: dict[str, str] = msgspec.field(default_factory=dict)


def read_settings(store: str | Path | None = None) -> Settings:
    """Read the settings.

    The store is, in this order: the argument, ``MLOPS_STORE``, ``store`` in
    ``settings.toml`` of the platform's configuration folder (an address, or a
    table with ``ledger`` and ``blobs``), the platform's data folder. The cache
    likewise with ``MLOPS_CACHE`` and ``cache``, the observation of kernels with
    ``MLOPS_OBSERVE`` and ``observe``, the wheels of every snapshot's
    environment with ``MLOPS_VAULT`` and ``vault``, and signatures with
    ``MLOPS_SIGN`` and ``sign``.

    Args:
        store: A store's address given by the caller.

    Returns:
        The settings; no folder is made.

    Raises:
        InputError: When ``settings.toml`` cannot be read, or ``MLOPS_OBSERVE``,
            ``MLOPS_VAULT`` or ``MLOPS_SIGN`` is neither a yes nor a no.
    """
    path = platformdirs.user_config_path(APP) / "settings.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        said = msgspec.convert(table, _File)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The settings in {path} cannot be read: {error}.",
            hint="Correct that file or move it away; every setting has a default.",
        ) from error
    mine = said.store.address() if isinstance(said.store, _Team) else said.store
    chosen = store or os.environ.get("MLOPS_STORE") or mine or _home()
    cache = os.environ.get("MLOPS_CACHE") or said.cache
    observe, vault = os.environ.get("MLOPS_OBSERVE"), os.environ.get("MLOPS_VAULT")
    sign = os.environ.get("MLOPS_SIGN")
    return Settings(
        store=str(chosen) if "://" in str(chosen) else str(_absolute(chosen)),
        cache=_absolute(cache) if cache else platformdirs.user_cache_path(APP),
        ignore=said.ignore,
        observe=switch("MLOPS_OBSERVE", observe) if observe else said.observe,
        vault=switch("MLOPS_VAULT", vault) if vault else said.vault,
        remotes=said.remotes,
        sign=switch("MLOPS_SIGN", sign) if sign else said.sign,
        retention=said.retention.predictions,
        config=path.parent,
    )


def _home() -> Path:
    return platformdirs.user_data_path(APP) / "store"


def switch(name: str, text: str) -> bool:
    """Return what a variable of yes or no says.

    Args:
        name: The variable's name.
        text: Its value.

    Raises:
        InputError: When it says neither.
    """
    said = _SWITCH.get(text.strip().lower())
    if said is None:
        raise InputError(f"{name} is {text!r}, neither yes nor no.", hint=f"Set {name} to 1 or 0.")
    return said


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()
