"""What the guest raises when a request cannot be met; the face shows it and nothing else breaks."""

from __future__ import annotations


class Problem(Exception):  # noqa: N818 - it is the user's problem, not an error of ours
    """A request that cannot be met, in the user's words.

    Attributes:
        message: What is wrong, in one sentence, with the names involved.
        hint: What the user can do next, in one sentence; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        """Store both sentences."""
        super().__init__(message)
        self.message = message
        self.hint = hint
