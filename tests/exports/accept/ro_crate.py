"""Validates crates with roc-validator, offline."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import rocrate
from answers import answer
from requests import Request
from requests_cache import CachedRequest, CachedResponse, CachedSession
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate_metadata_as_dict


def problems(data: bytes) -> Iterator[str]:
    """Validate the metadata offline against the profile and the ones that it stands on."""
    cache = Path(tempfile.mkdtemp()) / "cache"
    _keep_context(cache)
    settings = ValidationSettings(
        profile_identifier="process-run-crate-0.5",
        cache_path=cache,
        requirement_severity=Severity.REQUIRED,
        offline=True,
    )
    result = validate_metadata_as_dict(json.loads(data), settings)
    for issue in result.get_issues(Severity.REQUIRED):
        yield f"{issue.check.identifier}: {issue.message}"


def _keep_context(cache: Path) -> None:
    """Put RO-Crate's context where the validator looks instead of asking the network."""
    address = "https://w3id.org/ro/crate/1.1/context"
    context = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_bytes()
    with CachedSession(str(cache), expire_after=-1) as session:
        session.cache.save_response(
            CachedResponse(
                status_code=200,
                url=address,
                headers={"Content-Type": "application/ld+json"},
                content=context,
                request=CachedRequest.from_request(Request("GET", address).prepare()),
            )
        )


if __name__ == "__main__":
    answer(problems)
