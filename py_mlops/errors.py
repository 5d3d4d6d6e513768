"""The errors a user can meet: each says what happened and what to do next.

MlopsError
├── InputError               what was asked for is not there or not allowed
│   ├── NoStore              there is none at the address, and none was to be made
│   ├── UnknownReference     no snapshot, head or file goes by that name
│   └── UnknownVariable      the notebook has no variable of that name
├── CaptureError             the notebook's world moved under the snapshot
│   ├── FileChanged          a file is no longer what the notebook read
│   └── FileGone             a file the notebook read is no longer there
├── StoreError               the store cannot do it
│   ├── Corrupt              bytes are not what their digest says
│   ├── Missing              bytes that a record names are not in the store
│   ├── HeadMoved            someone else moved the head first
│   ├── StoreUnavailable     full disk, read-only folder, I/O error, locked
│   └── StoreFormat          written by a version we cannot read
├── EnvironmentFailure       a lock or an environment could not be made
│   └── InterpreterMissing   no Python of that version on this machine
├── Hostile                  someone else's file tries what it must not
├── NotTrusted               running or loading it needs an explicit yes
├── CannotCompare            nothing on both sides to compare
└── RerunFailed              the notebook could not be rerun to its end
"""

from __future__ import annotations


class MlopsError(Exception):
    """Base of every error we raise on purpose.

    Attributes:
        message: What happened, in one sentence, with the names involved.
        hint: What the user can do next, in one sentence.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        """Store the two sentences; both are shown to the user."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return both sentences, for places that print only ``str(error)``."""
        return f"{self.message}\n  → {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the hint, so that an error survives a process boundary."""
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[MlopsError], message: str, hint: str) -> MlopsError:
    return kind(message, hint=hint)


class InputError(MlopsError):
    """What was asked for is not there or not allowed."""


class NoStore(InputError):
    """There is no store at an address; the first snapshot makes it."""


class UnknownReference(InputError):
    """No snapshot, head or file goes by that name, or more than one does."""


class UnknownVariable(InputError):
    """The notebook has no variable of that name, or not of a usable type."""


class CaptureError(MlopsError):
    """The notebook's world moved under the snapshot."""


class FileChanged(CaptureError):
    """A file is no longer what the notebook read."""


class FileGone(CaptureError):
    """A file the notebook read is no longer there."""


class StoreError(MlopsError):
    """The store cannot do what was asked."""


class Corrupt(StoreError):
    """Stored bytes are not what their digest says."""


class Missing(StoreError):
    """Bytes that a record names are not in the store."""


class HeadMoved(StoreError):
    """A head no longer points where the caller last saw it."""


class StoreUnavailable(StoreError):
    """The disk is full, the folder read-only, the database locked or failing."""


class StoreFormat(StoreError):
    """The store was written by a version that this one cannot read."""


class EnvironmentFailure(MlopsError):
    """A lock could not be made or an environment could not be built."""


class InterpreterMissing(EnvironmentFailure):
    """No Python of the wanted version is on this machine."""


class Hostile(MlopsError):
    """A file that came from someone else tries what it must not."""


class NotTrusted(MlopsError):
    """Running or loading something of another person's needs an explicit yes."""


class CannotCompare(MlopsError):
    """The two sides have nothing in common to compare."""


class RerunFailed(MlopsError):
    """The notebook could not be rerun to its end."""
