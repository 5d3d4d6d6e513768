"""Sealed: who put a bundle together, whether that holds, and whether they are known here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from py_mlops.commands.transfer.bundle import LISTING, MANIFEST, SEAL, SEALER
from py_mlops.commands.transfer.proof import check_proof, keys_in
from py_mlops.commands.upkeep.signatures import public_keys
from py_mlops.errors import Corrupt, NotTrusted, StoreError
from py_mlops.records import PublicKey, Snapshot, digest_of
from py_mlops.signing.note import verifies
from py_mlops.signing.sshsig import ed25519_of, fingerprint, message, read_armored, signer_line
from py_mlops.workspace import Workspace

Ask = Callable[[str], bool]
"""Asks a person a question."""

Tell = Callable[[str], None]
"""Tells a person a sentence."""

TRUSTED = "allowed_signers"
"""File in the configuration folder with the keys that one trusts, as OpenSSH writes it."""

_LARGEST = 1 << 20
_MOST_KEYS = 16


@dataclass(frozen=True)
class Asking:
    """Whom to ask and to tell.

    Attributes:
        ask: Asked before what an unknown person has signed is taken in.
        tell: Told who has signed, or that nobody has.
    """

    ask: Ask
    tell: Tell


def check_seal(
    workspace: Workspace,
    members: Mapping[str, bytes],
    record: bytes,
    snapshot: Snapshot,
    asking: Asking,
) -> None:
    """Check a bundle's seal and proof, and ask when its signer is not known.

    Args:
        workspace: Who takes it in.
        members: The bundle's small members.
        record: The snapshot's bytes.
        snapshot: The snapshot.
        asking: Whom to ask.

    Raises:
        Corrupt: When seal or proof does not hold.
        NotTrusted: When the signer is not known, and the answer was no.
    """
    snapshot_id = digest_of(record)
    _check_listed(members, snapshot_id)
    proven = check_proof(members, snapshot_id, snapshot.author)
    sealed = _sealer(members)
    if sealed is None:
        asking.tell("Nobody has signed this bundle: who it is from is as sure as how it came.")
        return
    who = f"{sealed.name} ({fingerprint(sealed.key)})"
    by = f", its row in the log by {proven.signed.name}" if proven and proven.signed else ""
    if sealed.key in _known(workspace):
        asking.tell(f"Signed by {who}{by}, a key that is known here.")
        return
    question = f"This bundle is signed by {who}{by}, with a key that is not known here. Take it in?"
    if not asking.ask(question):
        raise NotTrusted(
            f"The bundle is signed by {who}, with a key that is not known here.",
            hint="Ask its owner for the key's fingerprint; when it is theirs, say yes, or add the "
            f"line `{signer_line(sealed)}` to {workspace.settings.config / TRUSTED}.",
        )


def _check_listed(members: Mapping[str, bytes], snapshot_id: str) -> None:
    """Refuse members that the list of sums does not have as they are."""
    listed = {}
    for line in members.get(LISTING, b"").decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    listed[MANIFEST] = listed.get(MANIFEST, "")
    wrong = [
        name
        for name, data in members.items()
        if name not in {LISTING, SEAL} and listed.get(name) != digest_of(data)[7:]
    ]
    place = f"objects/{snapshot_id[7:9]}/{snapshot_id[7:]}"
    if wrong or listed.get(place) != snapshot_id[7:]:
        raise Corrupt(
            f"{(wrong or [place])[0]} in the bundle is not what its {LISTING} says.",
            hint="The file was damaged or altered on the way: fetch it again.",
        )


def _sealer(members: Mapping[str, bytes]) -> PublicKey | None:
    """Return the key that sealed a bundle; ``None`` when there is no seal."""
    if SEAL not in members and SEALER not in members:
        return None
    try:
        public, signature = read_armored(members[SEAL].decode())
        name = members[SEALER].decode().strip()
    except (KeyError, ValueError) as error:
        raise _unsealed("it cannot be read") from error
    if not verifies(public, signature, message(members[LISTING])):
        raise _unsealed(f"it is not over this {LISTING}")
    keys = keys_in(members)
    if len(keys) > _MOST_KEYS:
        raise _unsealed("it has too many keys")
    for key in keys:
        if (ed25519_of(key.key), key.name, key.use) == (public, name, "log"):
            return key
    raise _unsealed("it is by none of its keys")


def _known(workspace: Workspace) -> set[str]:
    """Return the keys that are known here: one's own, the store's, and those one has listed."""
    known = set(_listed(workspace))
    own = workspace.signer.log_key("") if workspace.signer else None
    if own is not None:
        known.add(own.key)
    with suppress(StoreError):  # a damaged log vouches for nobody
        known |= {key.key for key in public_keys(workspace.store) if key.use == "log"}
    return known


def _listed(workspace: Workspace) -> Iterator[str]:
    try:
        with (workspace.settings.config / TRUSTED).open("rb") as file:
            text = file.read(_LARGEST).decode(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        words = line.split()
        for kind, encoded in pairwise(words):
            if kind == "ssh-ed25519" and not line.startswith("#"):
                yield f"{kind} {encoded}"


def _unsealed(why: str) -> Corrupt:
    return Corrupt(
        f"The bundle's signature does not hold: {why}.",
        hint="The file was damaged or altered on the way: fetch it again, and do not use this one.",
    )
