"""Reaches a bucket: its address, credentials and limits of time, and its failures in our words."""

from __future__ import annotations

import configparser
import os
import random
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from py_mlops.errors import InputError, StoreUnavailable
from py_mlops.store.patience import Silence

T = TypeVar("T")

TIMEOUT = 60.0
"""Seconds one request may take, from connecting to the last byte of its answer."""

_CONNECT = 5.0
_RETRIES = 3
_ATTEMPTS = 2
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_OTHER_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
_CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for ~/.aws/credentials, "
    "to those of someone who may use the bucket.",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the key file of someone who may use the bucket.",
    "az": "Set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY to one that may use it.",
}
_NAME = "Check the bucket's name in the store's address, and make the bucket if it is not there."
_REACH = (
    "Check the network, and AWS_ENDPOINT_URL where the bucket is not Amazon's; then try again: "
    "what is there already is not sent twice."
)
_LATER = (
    "Try again later: what is there already is not sent twice. "
    "On a slow line set MLOPS_BUCKET_TIMEOUT to more seconds for a request."
)
_STATUS = re.compile(r"status code: (\d{3})")


class Client:
    """A bucket's prefix, asked within bounded time.

    A request that fails in passing is repeated: all of ours may be, since what
    they write is named by its content.

    Attributes:
        place: The address, for messages.
        store: The bucket as obstore knows it.
    """

    def __init__(self, address: str, *, timeout: float | None = None) -> None:
        """Take a bucket's address; nothing is asked yet.

        Args:
            address: ``s3://BUCKET/PREFIX``, ``gs://…`` or ``az://…``.
            timeout: Seconds for one request; ``MLOPS_BUCKET_TIMEOUT`` or
                `TIMEOUT` by default.

        Raises:
            InputError: When the address or the surroundings make no sense.
        """
        self.place = address
        self._scheme = urlsplit(address).scheme
        self._timeout = _seconds() if timeout is None else timeout
        self._silence = Silence(self._timeout)
        try:
            self.store: ObjectStore = _connect(address, self._scheme, self._timeout)
        except (BaseError, ValueError) as error:
            # Not repeated: what obstore says may quote a key it could not read.
            raise InputError(
                f"The bucket {address} cannot be used: its address or its settings make no sense "
                f"({type(error).__name__}).",
                hint=f"It looks like {self._scheme}://BUCKET/PREFIX. "
                + _CREDENTIALS.get(self._scheme, ""),
            ) from None

    def ask(self, doing: str, question: Callable[[], T]) -> T:
        """Ask something that may be asked again.

        Args:
            doing: What fails when it does, ``"Reading from"``.
            question: Asks it.

        Returns:
            The answer.

        Raises:
            FileNotFoundError: When the bucket has no such object.
            StoreUnavailable: When it does not answer, or not usefully, within
                a few times the limit of one request.
        """
        with self._silence.noticed():
            for left in reversed(range(_ATTEMPTS)):
                try:
                    return question()
                except (PermissionDeniedError, UnauthenticatedError) as error:
                    raise self._failed(doing, error) from error
                except BaseError as error:
                    if not left or "NoSuchBucket" in str(error):
                        raise self._failed(doing, error) from error
                    time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - so that many do not meet again
        raise AssertionError(doing)

    def no_bucket(self, doing: str) -> StoreUnavailable:
        """Return the error that says the bucket itself is not there."""
        return StoreUnavailable(
            f"{doing} {self.place} failed: there is no such bucket.", hint=_NAME
        )

    def _failed(self, doing: str, error: BaseError) -> StoreUnavailable:
        """Say what went wrong, without a word that the server chose or a key could be in."""
        text = str(error)
        found = _STATUS.search(text)
        if "NoSuchBucket" in text:
            return self.no_bucket(doing)
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            why, hint = "it refuses these credentials", _CREDENTIALS[self._scheme]
        elif "metadata" in text or "credential" in text.lower():
            why, hint = "no credentials for it were found", _CREDENTIALS[self._scheme]
        elif found:
            why, hint = f"the server answered {found[1]}", _LATER
        elif "TimedOut" in text or "timed out" in text:
            why, hint = f"it did not answer within {self._timeout:g} s", _LATER
        elif "Connect" in text or "connect" in text or "dns" in text:
            why, hint = "it cannot be reached", _REACH
        else:
            why, hint = "the server's answer broke off or is none of such a service's", _REACH
        return StoreUnavailable(f"{doing} {self.place} failed: {why}.", hint=hint)


def _seconds() -> float:
    text = os.environ.get("MLOPS_BUCKET_TIMEOUT", "")
    try:
        seconds = float(text) if text else TIMEOUT
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour
        raise InputError(
            f"MLOPS_BUCKET_TIMEOUT is {text!r}, no number of seconds up to 3600.",
            hint=f"Unset it, or set it to a number; it is {TIMEOUT:g} by default.",
        )
    return seconds


def _connect(address: str, scheme: str, timeout: float) -> ObjectStore:
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "")
    limits: dict[str, Any] = {
        "client_options": {
            # As other tools do: who names an http:// endpoint means it.
            "allow_http": endpoint.startswith("http://"),
            "timeout": timedelta(seconds=timeout),
            "connect_timeout": timedelta(seconds=min(_CONNECT, timeout)),
        },
        "retry_config": {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=timeout),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=min(2.0, timeout)),
                "base": 2,
            },
        },
    }
    config: Any = _amazon(endpoint) if scheme == "s3" else {}
    store: ObjectStore = from_url(address, config=config, **limits)
    return store


def _amazon(endpoint: str) -> dict[str, str]:
    """Return what obstore does not read by itself: the profile's files, and the region."""
    profile = os.environ.get("AWS_PROFILE", "default")
    found: dict[str, str] = {}
    if endpoint:
        found["endpoint"] = endpoint
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        name = profile if profile == "default" else f"profile {profile}"
        region = _section("AWS_CONFIG_FILE", "config", name).get("region", "us-east-1")
    found["region"] = region
    if not any(os.environ.get(name) for name in _OTHER_CREDENTIALS):
        keys = _section("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile)
        for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"):
            if keys.get(name):
                found[name.removeprefix("aws_")] = keys[name]
    return found


def _section(variable: str, name: str, profile: str) -> dict[str, str]:
    path = Path(os.environ.get(variable) or Path("~/.aws").expanduser() / name)
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, "utf-8")
    except (OSError, ValueError, configparser.Error):
        raise InputError(
            f"The file {path} with your profiles cannot be read.",
            hint="Correct it, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        ) from None
    return dict(parser[profile]) if parser.has_section(profile) else {}
