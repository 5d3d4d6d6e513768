"""Every route of the REST interface."""

from __future__ import annotations

from py_mlops.server.operations import comparisons, documents, jobs, overview, snapshots

ROUTES = [
    *overview.ROUTES,
    *snapshots.ROUTES,
    *comparisons.ROUTES,
    *jobs.ROUTES,
    *documents.ROUTES,
]
