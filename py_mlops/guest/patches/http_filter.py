"""What of a web request never reaches a tape: credentials, by the names they go under."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from typing import Any, Iterable, List, Tuple
from urllib.parse import quote, unquote_plus

MASK = "***"
Headers = List[Tuple[str, str]]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    [
        "apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt",
        "passphrase", "passwd", "password", "pwd", "secret", "sig", "signature", "token",
    ]
)  # fmt: skip
_SECRET_NAMES = frozenset(["key", "sid", "sessionid", "jsessionid", "phpsessid", "xsrf", "csrf"])
_SECRET_ENDS = ("token", "secret", "password", "passwd", "passphrase", "signature", "apikey")
_SECRET_KEY = re.compile(
    r"(access|account|api|app|auth|client|consumer|function|license|master|private|secret|security"
    r"|service|session|shared|signing|subscription)_?key"
)
# A place in a list that goes on is no credential, and tells two questions apart.
_PAGE = re.compile(r"(page|next|continuation|cursor|sync|start|resume)[-_]?token")
_SIGNED = re.compile(r"(?i)(^|&)(x-amz-signature|x-goog-signature|signature|sig)=")
_SIGNED_NAMES = frozenset(["expires", "se", "st", "ske", "skt", "awsaccesskeyid", "googleaccessid"])
_PATH_PARAMETER = re.compile(r";([^/;=?]+)=[^/;?]*")
_WITH_ADDRESS = frozenset(["location", "content-location", "link", "refresh"])
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>\"']+")
_CHANGES_ANSWER = frozenset(["range", "accept", "content-type"])
_BOUNDARY = re.compile(r"(?i)boundary=\"?([^\";,]+)\"?")
_MOST_BODY = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS

# What an answer says that issues a credential: OAuth 2 (RFC 6749, 5.1), and the services by
# which a machine in a cloud learns its own keys.
_ISSUES = re.compile(
    rb"\"access_token\"\s*:(?s:.*)\"(token_type|expires_in)\""
    rb"|\"(token_type|expires_in)\"(?s:.*)\"access_token\"\s*:"
    rb"|\"SecretAccessKey\"\s*:|<SecretAccessKey>"
)
_ISSUED = re.compile(
    rb"(?i)(\"(?:access_token|refresh_token|id_token|accesskeyid|secretaccesskey|(?:session)?token)"
    rb"\"\s*:\s*\"|<(?:accesskeyid|secretaccesskey|sessiontoken)>)([^\"<]+)"
)


def is_secret(name: str) -> bool:
    """Say whether what goes under a name is a credential: ``api_key``, ``X-Auth-Token``, ``sig``.

    Args:
        name: Of a header, a query parameter, or a field.
    """
    plain = name.lower()
    if _PAGE.search(plain):
        return False
    squeezed = re.sub(r"[^a-z0-9]", "", plain)
    return (
        squeezed in _SECRET_NAMES
        or squeezed.endswith(_SECRET_ENDS)
        or _SECRET_KEY.search(squeezed) is not None
        or any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))
    )


def address(url: str) -> str:
    """Return a URL without user, password and fragment, each secret parameter's value masked."""
    url = url.partition("#")[0]
    before, mark, query = url.partition("?")
    scheme, slashes, rest = before.partition("://")
    if slashes:
        host, slash, path = rest.partition("/")
        before = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return _PATH_PARAMETER.sub(_path_parameter, before) + mark + parameters(query)


def parameters(query: str) -> str:
    """Return a query, or a form, each secret parameter's value masked, all else as it was."""
    signed = _SIGNED.search(query) is not None
    return "&".join(_parameter(pair, signed) for pair in query.split("&"))


def asked_with(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return those request headers that change the answer and tell nothing of who asks."""
    kept = sorted(
        (name.lower(), value.strip())
        for name, value in headers
        if name.lower() in _CHANGES_ANSWER or name.lower().startswith("if-")
    )
    return [(name, _BOUNDARY.sub("boundary", value)) for name, value in kept]


def answered_with(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the response headers without cookies and tokens, addresses in them filtered."""
    return [
        (name, _ADDRESS.sub(_matched_address, value) if name.lower() in _WITH_ADDRESS else value)
        for name, value in headers
        if not is_secret(name)
    ]


def issued(body: bytes) -> bytes | None:
    """Return an answer's body, whatever credential it issues masked; its length stays.

    Only answers that issue one are touched: a column named ``token`` is data.

    Args:
        body: The whole of it, as it came off the wire.

    Returns:
        ``None`` when it issues one and cannot be masked, being compressed.
    """
    if _ISSUES.search(body):
        return _ISSUED.sub(lambda match: match.group(1) + b"*" * len(match.group(2)), body)
    start = body.find(b"\x1f\x8b")
    if start >= 0:
        try:
            plain = zlib.decompressobj(_GZIP).decompress(body[start:], _MOST_BODY)
        except zlib.error:
            return body
        return None if _ISSUES.search(plain) else body
    return body


class BodyDigest:
    """The sha256 of a request's body, whatever token is in it and however it is framed.

    The fields of a form or of JSON are masked like parameters before they are
    hashed, so that a hash tells nothing of a password, and another token asks
    the same. The boundary of a multipart body, drawn anew each time, is left out.
    """

    def __init__(self, content_type: str) -> None:
        """Begin with an empty body.

        Args:
            content_type: The request's header; empty when there is none.
        """
        self._hash = hashlib.sha256()
        self._pending = b""
        kind = content_type.partition(";")[0].strip().lower()
        self._form = kind == "application/x-www-form-urlencoded"
        self._json = kind == "application/json" or kind.endswith("+json")
        boundary = _BOUNDARY.search(content_type) if kind.startswith("multipart/") else None
        self._boundary = boundary.group(1).encode("latin-1", "replace") if boundary else b""

    def update(self, data: Any) -> None:
        """Add bytes, or text, or anything with the buffer protocol."""
        data = data.encode() if isinstance(data, str) else data
        if self._form or self._json:
            self._pending += bytes(data)
            if len(self._pending) > _MOST_BODY:
                self._form = self._json = False
                self._flush()
        elif self._boundary:
            held = (self._pending + bytes(data)).replace(self._boundary, b"")
            # The boundary's beginning may be the end of what has come so far.
            cut = max(0, len(held) - len(self._boundary) + 1)
            self._hash.update(held[:cut])
            self._pending = held[cut:]
        else:
            self._hash.update(data)

    def hexdigest(self) -> str:
        """Return the digest of what was added; nothing may be added afterwards."""
        try:
            if self._form:
                self._pending = parameters(self._pending.decode()).encode()
            elif self._json and self._pending:
                self._pending = json.dumps(_masked(json.loads(self._pending))).encode()
        except (ValueError, RecursionError):
            pass  # it is not what its header says: hashed as it is
        self._flush()
        return self._hash.hexdigest()

    def _flush(self) -> None:
        self._hash.update(self._pending)
        self._pending = b""


def _parameter(pair: str, signed: bool) -> str:
    name, mark, value = pair.partition("=")
    plain = unquote_plus(name)
    lower = plain.lower()
    if mark and (
        is_secret(plain)
        or lower.startswith(("x-amz-", "x-goog-"))
        or (signed and lower in _SIGNED_NAMES)
    ):
        return f"{name}={MASK}"
    inner = unquote_plus(value)
    if "://" in inner:
        filtered = address(inner)
        return pair if filtered == inner.partition("#")[0] else f"{name}={quote(filtered)}"
    return pair


def _path_parameter(match: re.Match[str]) -> str:
    return f";{match.group(1)}={MASK}" if is_secret(match.group(1)) else match.group()


def _matched_address(match: re.Match[str]) -> str:
    return address(match.group())


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if is_secret(name) and isinstance(inner, str) else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
