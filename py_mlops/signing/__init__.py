"""Signatures: C2SP notes over the ledger, and OpenSSH's over a person's acts."""

from __future__ import annotations

from py_mlops.signing.note import Checkpoint, Note, NoteError, key_id, text_of
from py_mlops.signing.signer import Signer

__all__ = ["Checkpoint", "Note", "NoteError", "Signer", "key_id", "text_of"]
