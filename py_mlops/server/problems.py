"""Turns every error into one answer, {code, message, hint}, with one HTTP status each."""

from __future__ import annotations

import re

import msgspec

from py_mlops import errors

_STATUS: dict[type[errors.MlopsError], int] = {
    errors.UnknownReference: 404,
    errors.InputError: 400,
    errors.CaptureError: 409,
    errors.HeadMoved: 409,
    errors.CannotCompare: 409,
    errors.NotTrusted: 403,
    errors.StoreUnavailable: 503,
    errors.StoreFormat: 503,
    errors.MlopsError: 500,
}
_HTTP = {
    400: ("bad-request", "The request cannot be read.", "Reload the page and try again."),
    401: ("not-signed-in", "Nobody is signed in.", "Sign in to the Jupyter server."),
    403: ("forbidden", "That is not allowed.", "Sign in again, or ask the server's owner."),
    404: ("not-found", "There is nothing at this address.", "Reload the page."),
    405: ("not-allowed", "This address does not take that verb.", "Reload the page."),
    413: ("too-large", "The request is too large.", "Ask for less."),
    500: ("internal", "An error in py-mlops itself.", "Look into the server's log and report it."),
    503: ("no-answer", "The store does not answer.", "Check its disk or server; try again."),
}

CODES = [code for code, _, _ in _HTTP.values()]
"""The codes of what is no error of ours; the others are the errors' own names, see `code_of`."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        code: A stable word a program can match on, ``unknown-reference``.
        message: What happened, in one sentence, for a person; plain text.
        hint: What to do next, in one sentence; plain text.
    """

    code: str
    message: str
    hint: str


def code_of(kind: str) -> str:
    """Return an error's code: its class's name in lower case, ``unknown-reference``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()


def of_error(error: errors.MlopsError) -> tuple[int, Problem]:
    """Return the HTTP status and the answer for an error of ours."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return status, Problem(
        code=code_of(type(error).__name__), message=error.message, hint=error.hint
    )


def of_status(status: int, message: str = "") -> tuple[int, Problem]:
    """Return the answer for an HTTP status that is no error of ours.

    Args:
        status: The HTTP status.
        message: What the server says about it; our own words by default.
    """
    code, ours, hint = _HTTP.get(status) or _HTTP[500 if status >= 500 else 400]  # noqa: PLR2004 - HTTP
    return status, Problem(code=code, message=message or ours, hint=hint)
