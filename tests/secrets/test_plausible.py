from __future__ import annotations

import pytest

from py_mlops.secrets.plausible import is_no_filler, looks_generated, looks_like_password
from tests.secrets.planted import BASE64, HEX, MIXED, made


@pytest.mark.parametrize("value", ["hunter" + "2", "correct-horse", "p(4)ss", "Tr0ub4dor&3"])
def test_a_password_may_be_anything(value: str) -> None:
    """Words with a digit, several words, signs: beside the name of a password all are one."""
    assert looks_like_password(value)


@pytest.mark.parametrize(
    "value",
    ["", "abc", "********", "your_password", "<password>", "${PASSWORD}", "{password}", "$PASS",
     "%(password)s", "changeme", "two words", "postgres", "os.environ", "https://example.org/x",
     "./key.pem", "db_password", "x" * 600],
)  # fmt: skip
def test_a_placeholder_is_no_password(value: str) -> None:
    """Templates, references, descriptions and the defaults of local databases are none."""
    assert not looks_like_password(value)


def test_generated_keys() -> None:
    """Random digits and letters of a key's length look generated, whatever their alphabet."""
    keys = [made(alphabet, 32) for alphabet in (HEX, MIXED, BASE64) for _ in range(300)]
    assert [key for key in keys if not looks_generated(key)] == []


@pytest.mark.parametrize(
    "value",
    ["bert-base-uncased", "distilbert-base-uncased-finetuned-sst-2-english", "2024-01-01T00:00:00",
     "abcdefghijklmnop", "0123456789012345", "last_hidden_state", "model-v2-epoch10-batch32",
     "https://example.org/0a1b2c3d4e5f", "aaaaaaaabbbbbbbb1", "short1A"],
)  # fmt: skip
def test_names_are_not_generated(value: str) -> None:
    """Names of models, dates, sequences and addresses have an order that keys have not."""
    assert not looks_generated(value)


def test_filler() -> None:
    """A key whose body is one repeated character stands for a key."""
    assert not is_no_filler("sk-" + "x" * 32)
    assert is_no_filler("sk-" + made(MIXED, 32))
