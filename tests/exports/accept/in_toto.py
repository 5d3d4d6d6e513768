"""Reads statements with in-toto's own classes, and checks the rules of SLSA's provenance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from answers import answer
from google.protobuf.json_format import Parse, ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message


def problems(data: bytes) -> Iterator[str]:
    """Parse statement and predicate into in-toto's own classes; check SLSA's field rules."""
    message = Parse(data, Message())
    Statement.copy_from_pb(message).validate()
    predicate = ParseDict(json.loads(data)["predicate"], Provenance())
    build, run = predicate.build_definition, predicate.run_details
    for item in (*build.resolved_dependencies, *run.byproducts):
        ResourceDescriptor.copy_from_pb(item).validate()
        if not (item.uri or item.digest or item.content):
            yield f"SLSA wants uri, digest or content: {item.name}"
    names = [subject.name for subject in message.subject]
    if len(names) != len(set(names)):
        yield "two subjects share a name"
    descriptors = (*message.subject, *build.resolved_dependencies, *run.byproducts)
    for digest in (item.digest for item in descriptors):
        if any(not re.fullmatch("[0-9a-f]{64}", value) for value in digest.values()):
            yield f"no sha256: {digest}"
    if not (build.build_type and run.builder.id and build.HasField("external_parameters")):
        yield "SLSA wants buildType, builder.id and externalParameters"
    for uri in (build.build_type, run.builder.id, run.metadata.invocation_id):
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s]+", uri):
            yield f"no URI: {uri}"


if __name__ == "__main__":
    answer(problems)
