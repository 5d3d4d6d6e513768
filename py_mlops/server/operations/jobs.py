"""Jobs: what takes long, asked for, looked at and cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from py_mlops.commands.catalogue import Limit
from py_mlops.server.contract import Route
from py_mlops.server.work import Job, JobId, JobLog, JobPage, JobRequest

if TYPE_CHECKING:
    from py_mlops.server.desk import Desk


class JobsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs.

    Attributes:
        cursor: The last page's `next`.
        limit: The most items.
    """

    cursor: JobId | None = None
    limit: Limit = 50


class OneJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job.

    Attributes:
        id: Its id.
    """

    id: JobId


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which piece of a job's log.

    Attributes:
        id: The job's id.
        offset: Where to begin, in bytes; the last piece's `next`.
    """

    id: JobId
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


async def start_job(desk: Desk, request: JobRequest) -> Job:
    """Ask for a job; it is queued, and events of kind ``job`` tell how it goes on."""
    raise NotImplementedError


def jobs(desk: Desk, query: JobsQuery) -> JobPage:
    """List jobs, newest first; ended ones are kept for a while."""
    raise NotImplementedError


def job(desk: Desk, query: OneJob) -> Job:
    """Return one job."""
    raise NotImplementedError


def job_log(desk: Desk, query: LogQuery) -> JobLog:
    """Return a piece of what a job printed."""
    raise NotImplementedError


def cancel_job(desk: Desk, query: OneJob) -> Job:
    """Cancel a job, with every process it has started; one that has ended stays as it is."""
    raise NotImplementedError


ROUTES = [
    Route("POST", "/jobs", "execute", start_job, JobRequest, Job, status=202),
    Route("GET", "/jobs", "read", jobs, JobsQuery, JobPage),
    Route("GET", "/jobs/{id}", "read", job, OneJob, Job),
    Route("DELETE", "/jobs/{id}", "execute", cancel_job, OneJob, Job),
    Route("GET", "/jobs/{id}/log", "read", job_log, LogQuery, JobLog),
]
