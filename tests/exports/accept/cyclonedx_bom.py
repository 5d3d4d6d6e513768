"""Validates bills of materials with cyclonedx-python-lib, strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator

from answers import answer
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def problems(data: bytes) -> Iterator[str]:
    """Validate strictly against the JSON schema, and read every package URL."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode())
    if error is not None:
        yield str(error)
    bom = json.loads(data)
    refs = [item["bom-ref"] for item in bom["components"]]
    if len(refs) != len(set(refs)):
        yield "two components share a bom-ref"
    for item in bom["components"]:
        if "purl" in item:
            read = PackageURL.from_string(item["purl"])
            if (read.name, read.version) != (item["name"], item.get("version", read.version)):
                yield f"{item['purl']} is another package than {item['name']}"


if __name__ == "__main__":
    answer(problems)
