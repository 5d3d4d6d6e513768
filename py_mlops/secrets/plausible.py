"""Whether a value beside a telling name is a secret, or a placeholder, a reference or a word."""

from __future__ import annotations

import math
import re
from collections import Counter

from detect_secrets.filters.heuristic import (
    is_not_alphanumeric_string,
    is_sequential_string,
    is_templated_secret,
)

_LEAST_ENTROPY = 2.7  # bits a character: 12 characters of a generated key have more, words less
_LEAST_LENGTH = 12
_LONGEST = 512
_WORDS = re.compile(
    r"(?i)(?:my|the|your|a|an|some|db|user|test|dummy|fake|sample|example|default|new|old|wrong|"
    r"correct|bad|good|plain|hashed|local|super|very|in?valid|first|second|admin|root|account|"
    r"empty|blank|string|str|text|value|here|null|none|nan|true|false|undefined|object|int|float|"
    r"bytes|bool|hidden|masked|redacted|removed|secret|token|key|keys|api|access|auth|pass|"
    r"passwd|password|passwords|passphrase|pwd|credential|credentials|username|login|name|field|"
    r"column|guest|postgres|postgresql|mysql|mongo|redis|neo4j|minio|minioadmin|jupyter|todo|"
    r"tbd|change|changeme|changeit|me|it|this|foo|bar|baz|placeholder|required|optional|hash|id|"
    r"url|file|path|type|length|label|input|prompt|enter|confirm|reset|forgot|show|hide|"
    r"x+|\*+|\.+|…+|[-_./:\s])+"
)
_PLACEHOLDER = re.compile(
    r"(?i)your[-_ ]?|insert[-_ ]|[-_]here\b|replace[-_]?(?:me|with)|x{5,}|\*{3,}|\.{3}|…|"
    r"place[-_]?holder|change[-_]?me|redacted|<[^>]*>|\[(?:mask|pad|sep|cls|unk|bos|eos)\]|<\|"
)
_REFERENCE = re.compile(
    r"^(?:https?://|s3://|gs://|file://|/[a-z][a-z_.-]*(?:/|$)|\./|\.\./|~/|arn:|projects/|refs?/|"
    r"env:|vault:|op://|\$[A-Za-z_{(]|%[s(]|(?:os|self|cls|st|request|session|config|settings|args|"
    r"kwargs|cfg|env|secrets|userdata|getpass|dbutils)\.\w)|\{[^}]*\}|\$\("
    r"|\.(?:json|csv|txt|ya?ml|pem|key|env|toml|py|html|md)$"
)
_FILLER = re.compile(r"(.)\1{7}|\.{3}|…")
_IDENTIFIER = re.compile(r"[a-z]+(?:_[a-z]+)+|[A-Za-z][a-z]+(?:/[a-z]+)+|[A-Z]+(?:_[A-Z]+)+")
_LOWER_WORDS = re.compile(r"[A-Za-z]?[a-z]+(?:[-_ ./:][A-Za-z]?[a-z]+)*|[A-Z]+(?:[-_][A-Z]+)*")


def is_no_filler(value: str) -> bool:
    """Say whether a value of a service's form is more than ``sk-xxxxxxxx``."""
    return not _FILLER.search(value)


def looks_like_password(value: str) -> bool:
    """Say whether a value that a name calls a password is one.

    Args:
        value: What stands where a password stands.

    Returns:
        False for templates, references to somewhere else and words that only
        describe a password, such as ``your_password``.
    """
    return (
        3 < len(value) <= _LONGEST  # noqa: PLR2004 - shorter is no secret worth the name
        and not re.search(r"\s", value)
        and not is_templated_secret(value)
        and not is_not_alphanumeric_string(value)
        and not _PLACEHOLDER.search(value)
        and not _REFERENCE.search(value)
        and not _WORDS.fullmatch(value)
        and not _IDENTIFIER.fullmatch(value)
        and is_no_filler(value)
    )


def looks_generated(value: str) -> bool:
    """Say whether a value that a name calls a key or token was made by a generator.

    Args:
        value: What stands where a key stands.

    Returns:
        True for 12 characters and more without a visible order, unlike words,
        names of models, numbers and paths.
    """
    return (
        len(value) >= _LEAST_LENGTH
        and looks_like_password(value)
        and not is_sequential_string(value)
        and not _LOWER_WORDS.fullmatch(value)
        and _entropy(value) >= _LEAST_ENTROPY
        and _mixed(value)
    )


def _mixed(value: str) -> bool:
    """Letters and digits, or letters of both cases in an order no identifier has."""
    letters = re.sub(r"[^A-Za-z]", "", value)
    if any(char.isdigit() for char in value):
        return len(letters) >= 3 and not _NAME_WITH_NUMBER.fullmatch(value)  # noqa: PLR2004 - 2024-01-01T… is a date
    turns = len(re.findall(r"[a-z][A-Z]|[A-Z][A-Z][a-z]", letters))
    return turns >= len(letters) / 5


_NAME_WITH_NUMBER = re.compile(
    # bert-base-uncased-2, gpt2_tokenizer, v1.2.3-rc1, 2024-01-01T00:00:00Z
    r"(?:[A-Za-z]?[a-z]+|[A-Z]+|[A-Za-z]{0,3}\d{1,4}[A-Za-z]?)"
    r"(?:[-_./:+T]+(?:[A-Za-z]?[a-z]+\d{0,3}|[A-Z]+\d{0,3}|[A-Za-z]{0,3}\d{1,4}[A-Za-z]?))*"
)


def _entropy(text: str) -> float:
    """Return Shannon's entropy in bits a character: −Σ p·log₂p over the characters."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
