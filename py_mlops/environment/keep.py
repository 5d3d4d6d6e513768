"""Decides which wheels the store must have of an environment, and makes or fetches them."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from py_mlops.environment import shelf
from py_mlops.environment import tree as trees
from py_mlops.environment.conda.archives import Archives
from py_mlops.environment.conda.listing import conda_packages
from py_mlops.environment.download import Wanted, download
from py_mlops.environment.exclusive import unwritable, write_whole
from py_mlops.environment.holes import (
    FOREIGN,
    altered,
    conda_not_kept,
    not_fetched,
    not_kept,
    too_large,
)
from py_mlops.environment.index import ask, pins
from py_mlops.environment.install import STAGE
from py_mlops.environment.installed import Installed, installed, packages
from py_mlops.environment.kernel import KERNEL, additions
from py_mlops.environment.lock import Locked
from py_mlops.environment.repack import CannotRepack, repack, stamp
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, Report
from py_mlops.records import Blob, Distribution, Hole, KeptWheel, WorkingTree
from py_mlops.records.base import Part
from py_mlops.records.handover import KernelFacts

_TEXTS = (".py", ".pyi", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".txt", ".env")
_LARGEST_TEXT = 8 << 20
_LARGEST_DIFF = 64 << 20
_AT_ONCE = 16
_OWN = {"editable", "local", "vcs", "url", "unknown"}
_ARCHIVES = (".whl", ".zip", ".gz", ".bz2", ".xz", ".tgz")

Have = Callable[[str], Blob | None]
"""Returns a blob that the store has, kept for another while; None when it has not."""


class _Made(Part, frozen=True):
    """A wheel that was made before, and what was said of it."""

    wheel: KeptWheel
    altered: list[str]
    missing: list[str]


@dataclass
class Prepared:
    """Wheels that are ready to go into the store.

    Attributes:
        locked: The environment they are of.
        cache: Where a wheel that was made here waits for the next store.
        holes: What could not be had, or is not what one would think.
        files: By package, the wheels the store does not have: where they lie,
            their file names, and how they came about.
        known: By package, the wheels that the store has.
        made: By package, where to remember the wheel, and which files of the
            installation were changed or are missing.
        trees: By package, the commit of its working tree and what was changed since.
        rerun: What a rerun adds to the environment.
        conda: The conda packages beneath, and those of their files that are kept.
    """

    locked: Locked
    cache: Path
    conda: Archives
    holes: list[Hole] = field(default_factory=list)
    files: dict[str, tuple[Path, str, str]] = field(default_factory=dict)
    known: dict[str, KeptWheel] = field(default_factory=dict)
    made: dict[str, tuple[Path, list[str], list[str]]] = field(default_factory=dict)
    trees: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    rerun: list[Distribution] = field(default_factory=list)

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over the texts of the user's own trees: what to look for secrets in.

        A package that came as an archive was given to others already, and every second
        published library has a made-up password in its documentation.
        """
        own = {
            one.name
            for one in self.locked.distributions
            if one.source in {"editable", "local"}
            and not urlsplit(one.origin).path.endswith(_ARCHIVES)
        }
        for name, (_, diff) in self.trees.items():
            if len(diff) <= _LARGEST_TEXT:
                yield f"changes of {name}", diff
        for name in sorted(own & self.files.keys()):
            with zipfile.ZipFile(self.files[name][0]) as archive:
                for entry in archive.infolist():
                    if entry.filename.endswith(_TEXTS) and entry.file_size <= _LARGEST_TEXT:
                        yield f"{name}: {entry.filename}", archive.read(entry)

    def store(
        self, put_file: Callable[[Path], Blob], put_bytes: Callable[[bytes], Blob]
    ) -> tuple[list[Distribution], list[Distribution]]:
        """Put everything into the store.

        Args:
            put_file: Stores a file.
            put_bytes: Stores some bytes.

        Returns:
            The distributions with their wheels, and those that a rerun adds.
        """
        kept = dict(self.known)
        for name, (path, file, how) in self.files.items():
            kept[name] = KeptWheel(name=file, how=how, blob=put_file(path))  # type: ignore[arg-type]  # words of this module
        for name, (memory, changed, gone) in self.made.items():
            made = _Made(wheel=kept[name], altered=changed, missing=gone)
            write_whole(memory, msgspec.json.encode(made))
            shelf.keep(self.cache, made.wheel, self.files[name][0])

        def whole(one: Distribution) -> Distribution:
            state = self.trees.get(one.name)
            diff = put_bytes(state[1]) if state and state[1] else None
            return msgspec.structs.replace(
                one,
                kept=kept.get(one.name),
                tree=WorkingTree(commit=state[0], diff=diff) if state else None,
            )

        return list(map(whole, self.locked.distributions)), list(map(whole, self.rerun))


@contextmanager
def working_folder(cache: Path) -> Iterator[Path]:
    """Make a folder for wheels on the cache's disk, and remove it in the end.

    Raises:
        EnvironmentFailure: When the cache cannot be written.
    """
    wheels = cache / "wheels"
    try:
        wheels.mkdir(parents=True, exist_ok=True)
        held = tempfile.TemporaryDirectory(
            dir=wheels, prefix=".making-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise unwritable(wheels, error) from error
    with held as folder:
        yield Path(folder)


def prepare(
    locked: Locked,
    facts: KernelFacts,
    *,
    folder: Path,
    cache: Path,
    have: Have,
    everything: bool,
    report: Report,
) -> Prepared:
    """Make or fetch the wheels that a rebuild could get from nowhere else, or all of them.

    A working tree is built, in a copy. What came from elsewhere than an index,
    what no index knows, and what was compiled here is made a wheel again from
    its installed files. A wheel of the index is fetched only on demand, as it
    is, and checked by its digest.

    Args:
        locked: The locked environment.
        facts: The kernel's interpreter and search path.
        folder: An empty folder for the wheels.
        cache: Where it is remembered which wheel was made of what.
        have: Asks the store for a blob.
        everything: Whether a rebuild shall need no index at all.
        report: Told what is going on.

    Returns:
        What goes into the store.
    """
    conda = Archives(conda_packages(facts.prefixes))
    prepared = Prepared(locked, cache, conda, list(locked.holes))
    here = {d.name for d in locked.distributions if d.source in _OWN or d.name in locked.compiled}
    if not here and not everything:
        return prepared
    found = {one.name: one for one in installed(facts.search_path)}
    here -= {one.name for one in found.values() if one.installer in FOREIGN}
    if everything:
        prepared.holes += conda_not_kept(conda.keep(folder, have, report))
    wanted = [
        one for one in locked.distributions
        # What only conda has is kept as conda's own files, or not at all.
        if everything and one.name not in here and (one.wheel or one.source != "conda")
    ]  # fmt: skip
    total, maker = len(here) + len(wanted), _Maker(prepared, folder, cache, have, facts)
    for number, one in enumerate(found[name] for name in sorted(here & found.keys())):
        report(Progress(STAGE, f"Keeping {one.name}", number, total))
        maker.make(one)
    if everything:
        report(Progress(STAGE, f"Keeping the wheels of {packages(len(wanted))}", len(here), total))
        _vault(prepared, wanted, found, maker, report)
        _vault_kernel(prepared, maker, cache)
    return prepared


@dataclass
class _Maker:
    """Makes wheels of what is installed."""

    prepared: Prepared
    folder: Path
    cache: Path
    have: Have
    facts: KernelFacts

    def make(self, one: Installed) -> None:
        """Make the wheel of one installation, or note why there is none."""
        try:
            if one.source == "editable":
                self._build(one)
            else:
                self.repack(one)
        except (trees.CannotBuild, CannotRepack) as why:
            self.prepared.holes.append(not_kept(one, str(why)))
        except OSError as error:
            told = f"{error.filename or 'a file of it'}: {error.strerror or error}"
            self.prepared.holes.append(not_kept(one, told))

    def _build(self, one: Installed) -> None:
        tree = trees.look(trees.folder_of(one.origin))
        state = trees.version_control(tree)
        if state is not None:
            if len(state[1]) > _LARGEST_DIFF:
                self.prepared.holes.append(too_large(one, len(state[1])))
                state = (state[0], b"")
            self.prepared.trees[one.name] = state
        memory = self._memory(f"{one.name} {self.facts.executable} {tree.stamp}")
        if self._remembered(one, memory):
            return
        place = self.folder / one.name
        path = trees.build(
            tree, place, python=self.facts.executable, name=one.name, version=one.version
        )
        self._take(one, path, "built", memory)

    def repack(self, one: Installed) -> None:
        """Make a wheel of installed files."""
        memory = self._memory(stamp(one))
        if self._remembered(one, memory):
            return
        short = "".join(self.facts.version.split(".")[:2])
        platform = self.facts.platform.replace("-", "_").replace(".", "_")
        tag = f"cp{short}-cp{short}{'m' if int(short[1:]) < 8 else ''}-{platform}"  # noqa: PLR2004 - 3.8 dropped it
        made = repack(one, self.folder / one.name, tag=tag)
        self.prepared.made[one.name] = (memory, made.altered, made.missing)
        self.prepared.holes += altered(one, made.altered, made.missing)
        self._take(one, made.path, "repacked", memory)

    def _take(self, one: Installed, path: Path, how: str, memory: Path) -> None:
        self.prepared.files[one.name] = (path, path.name, how)
        self.prepared.made.setdefault(one.name, (memory, [], []))

    def _memory(self, key: str) -> Path:
        return self.cache / "wheels" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _remembered(self, one: Installed, memory: Path) -> bool:
        try:
            made = msgspec.json.decode(memory.read_bytes(), type=_Made)
        except (OSError, msgspec.DecodeError):
            return False
        if self.have(made.wheel.blob.digest) is not None:
            self.prepared.known[one.name] = made.wheel
        elif path := shelf.find(self.cache, made.wheel):
            self.prepared.files[one.name] = (path, made.wheel.name, made.wheel.how)
        else:
            return False
        self.prepared.holes += altered(one, made.altered, made.missing)
        return True


def _vault(
    prepared: Prepared,
    wanted: Sequence[Distribution],
    found: dict[str, Installed],
    maker: _Maker,
    report: Report,
) -> None:
    """Keep the index's own wheels; where they cannot be had, wheels of what is installed."""
    missing = []
    for one in wanted:
        blob = maker.have(f"sha256:{one.sha256}") if one.sha256 and one.wheel else None
        if blob and one.wheel:
            prepared.known[one.name] = KeptWheel(name=one.wheel, how="index", blob=blob)
        else:
            missing.append(one)
    places = _places(missing, maker)
    fetched: dict[str, Path] = {}
    asked = [
        Wanted(one.wheel, one.sha256, places[one.wheel])
        for one in missing
        if one.wheel and one.sha256 and one.wheel in places
    ]
    for start in range(0, len(asked), _AT_ONCE):
        report(Progress(STAGE, f"Fetching {asked[start].name}", start, len(asked)))
        some = asked[start : start + _AT_ONCE]
        fetched |= download(some, maker.folder, python=maker.facts.version)
    lost = []
    for one in missing:
        if one.wheel in fetched:
            prepared.files[one.name] = (fetched[one.wheel], one.wheel, "index")
        elif one.name in found:
            maker.make(found[one.name])
            lost.append(found[one.name])
    prepared.holes += not_fetched(lost)


def _places(missing: Sequence[Distribution], maker: _Maker) -> dict[str, str]:
    """Return where the index has the wheels, by their names."""
    pinned = {one.name: one.version for one in missing if one.wheel}
    places: dict[str, str] = {}
    for offline in (True, False):
        known = {one.name for one in missing if one.wheel in places}
        left = {name: version for name, version in pinned.items() if name not in known}
        if left:
            wheels = maker.cache / "wheels"
            wheels.mkdir(parents=True, exist_ok=True)
            places |= ask(left, maker.facts.executable, folder=wheels, offline=offline).places
    return places


def _vault_kernel(prepared: Prepared, maker: _Maker, cache: Path) -> None:
    """Keep ipykernel and what it needs, where the environment has none."""
    pinned = pins([(one.name, one.version) for one in prepared.locked.distributions])
    if KERNEL in pinned:
        return
    try:
        facts = maker.facts
        wheels = cache / "wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        added = additions(pinned, facts.executable, facts.version, folder=wheels)
    except EnvironmentFailure as error:
        prepared.holes.append(not_kept(Installed(KERNEL, "of today"), error.message))
        return
    wanted = []
    for entry, place in added:
        blob = maker.have(f"sha256:{entry.sha256}")
        if blob:
            prepared.known[entry.name] = KeptWheel(name=entry.file, how="index", blob=blob)
        else:
            wanted.append(Wanted(entry.file, entry.sha256, place))
    fetched = download(wanted, maker.folder, python=maker.facts.version)
    for entry, _ in added:
        if entry.file in fetched:
            prepared.files[entry.name] = (fetched[entry.file], entry.file, "index")
        elif entry.name not in prepared.known:
            why = "its wheel could not be fetched"
            prepared.holes.append(not_kept(Installed(entry.name, entry.version), why))
            continue
        prepared.rerun.append(
            Distribution(
                name=entry.name, version=entry.version, source="index", wheel=entry.file,
                sha256=entry.sha256, origin="", kept=None, tree=None, loaded="",
            )
        )  # fmt: skip
