from __future__ import annotations

import gzip
import json

import pytest

from py_mlops.guest.patches import http_filter
from py_mlops.guest.patches.http_filter import BodyDigest

SECRET = [
    "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Auth-Token",
    "api_key", "apikey", "key", "token", "accessToken", "access_token", "AWSAccessKeyId", "sig",
    "client_secret", "clientsecret", "Password", "passwd", "X-Amz-Signature", "refreshToken",
    "Ocp-Apim-Subscription-Key", "csrfmiddlewaretoken", "PRIVATE-TOKEN", "JSESSIONID",
    "X-Amz-Security-Token",
]  # fmt: skip
PLAIN = [
    "q", "page", "ETag", "Content-Type", "monkey", "keyword", "tokenizer", "max_tokens", "design",
    "author", "next_token", "pageToken", "continuation-token", "WWW-Authenticate", "primary_keys",
    "x-amz-request-id", "assigned", "passenger",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_credentials_are_known_by_their_names(name: str) -> None:
    """What goes under the name of a credential is one, however the name is written."""
    assert http_filter.is_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_data_is_no_credential(name: str) -> None:
    """A name that only looks like a credential's stays as it is: it tells requests apart."""
    assert not http_filter.is_secret(name)


@pytest.mark.parametrize(
    ("url", "filtered"),
    [
        ("https://ada:PLANTED@h/p?q=1#PLANTED", "https://h/p?q=1"),
        ("https://h/p?q=a+b&api_key=PLANTED&r=%20", "https://h/p?q=a+b&api_key=***&r=%20"),
        ("https://h/p;jsessionid=PLANTED/x?y", "https://h/p;jsessionid=***/x?y"),
        ("https://b/k?X-Amz-Date=PLANTED&X-Amz-Signature=PLANTED", "https://b/k?X-Amz-Date=***&X-Amz-Signature=***"),
        ("https://b/k?se=PLANTED&sig=PLANTED&sp=r", "https://b/k?se=***&sig=***&sp=r"),
        ("https://h/p?expires=2026", "https://h/p?expires=2026"),
        ("https://h/?to=https%3A%2F%2Fi%2F%3Ftoken%3DPLANTED", "https://h/?to=https%3A//i/%3Ftoken%3D%2A%2A%2A"),
        ("https://h/a@b/c?token=", "https://h/a@b/c?token=***"),
    ],
)  # fmt: skip
def test_addresses_lose_credentials_and_nothing_else(url: str, filtered: str) -> None:
    """User, password, fragment and secret parameters go; the rest stays byte by byte."""
    assert http_filter.address(url) == filtered


def test_only_headers_that_change_an_answer_are_asked_with() -> None:
    """What is asked is told apart by range, form and conditions, never by who asks."""
    headers = [
        ("Range", "bytes=0-9"), ("ACCEPT", "text/csv"), ("If-None-Match", '"e"'),
        ("Authorization", "Bearer PLANTED"), ("Cookie", "PLANTED"), ("User-Agent", "x"),
        ("Content-Type", "multipart/form-data; boundary=0a1b"),
    ]  # fmt: skip
    assert http_filter.asked_with(headers) == [
        ("accept", "text/csv"),
        ("content-type", "multipart/form-data; boundary"),
        ("if-none-match", '"e"'),
        ("range", "bytes=0-9"),
    ]


def test_answers_lose_cookies_and_the_tokens_in_their_addresses() -> None:
    """A redirect to a signed address is kept without the signature."""
    headers = [
        ("Set-Cookie", "PLANTED"), ("X-Csrf-Token", "PLANTED"), ("ETag", '"e"'),
        ("Location", "https://b/k?X-Amz-Signature=PLANTED"),
        ("Link", '<https://h/?page=2&access_token=PLANTED>; rel="next"'),
    ]  # fmt: skip
    assert http_filter.answered_with(headers) == [
        ("ETag", '"e"'),
        ("Location", "https://b/k?X-Amz-Signature=***"),
        ("Link", '<https://h/?page=2&access_token=***>; rel="next"'),
    ]


def digest(kind: str, *pieces: bytes) -> str:
    """Digest a body that comes in pieces."""
    body = BodyDigest(kind)
    for piece in pieces:
        body.update(piece)
    return body.hexdigest()


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("application/x-www-form-urlencoded", b"a=1&password=x", b"a=1&password=yy"),
        ("application/json; charset=utf-8", b'{"b":[{"token":"x"}]}', b'{"b":[{"token":"yy"}]}'),
        ("multipart/form-data; boundary=AbC", b"--AbC\r\nx\r\n--AbC--", b"--AbC\r\nx\r\n--AbC--"),
    ],
)
def test_another_token_in_a_body_asks_the_same(kind: str, one: bytes, other: bytes) -> None:
    """A body's digest tells nothing of the password in it, and everything of the rest."""
    assert digest(kind, one) == digest(kind, other)
    assert digest(kind, one) != digest(kind, one.replace(b"a=1", b"a=2").replace(b"b", b"c") + b" ")


def test_the_boundary_of_a_multipart_body_does_not_count() -> None:
    """It is drawn anew each time, and may arrive in two pieces."""
    one = digest("multipart/form-data; boundary=AbCd", b"--Ab", b"Cd\r\nfile\r\n--AbC", b"d--")
    other = digest('multipart/form-data; boundary="XyZ0"', b"--XyZ0\r\nfile\r\n--XyZ0--")
    assert one == other


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"\xff" * 10, b'{"a": "' + b"x" * (2 << 20) + b'"}']
)
def test_a_body_that_is_not_what_it_says_is_hashed_as_it_is(body: bytes) -> None:
    """Broken, deep and huge JSON does no harm."""
    assert digest("application/json", body) != digest("application/json", body + b" ")


def test_an_issued_credential_is_masked_and_keeps_its_length() -> None:
    """The answer of a token service can be replayed, and holds no token."""
    grant = {"access_token": "PLANTED", "expires_in": 5, "refresh_token": "PLANTED2", "scope": "r"}
    body = http_filter.issued(json.dumps(grant).encode())
    assert body is not None
    assert json.loads(body) == {**grant, "access_token": "*" * 7, "refresh_token": "*" * 8}
    xml = b"<A><SecretAccessKey>PLANTED</SecretAccessKey><Expiration>1</Expiration></A>"
    assert http_filter.issued(xml) == xml.replace(b"PLANTED", b"*" * 7)
    assert http_filter.issued(gzip.compress(json.dumps(grant).encode())) is None


def test_data_with_a_token_column_is_left_alone() -> None:
    """Rows of words are no credentials."""
    rows = json.dumps([{"token": "the", "tag": "DET"}, {"access_token": 1}]).encode()
    assert http_filter.issued(rows) == rows
    assert http_filter.issued(gzip.compress(rows)) == gzip.compress(rows)
