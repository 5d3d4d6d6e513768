"""The one handler behind every route: nobody gets in unasked, and every error has one form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from tornado import web

from py_mlops.errors import InputError, MlopsError
from py_mlops.server.contract import BASE, RESOURCE, Action, Content, Route
from py_mlops.server.desk import Desk
from py_mlops.server.problems import of_error, of_status

_LARGEST_BODY = 1024 * 1024
_ACTIONS: frozenset[Action] = frozenset({"read", "write", "execute"})
_ENCODER = msgspec.json.Encoder()

Handler = tuple[str, type[web.RequestHandler], dict[str, object]]


class Endpoint(APIHandler):
    """Authenticates, authorises, checks the parameters, and answers from a thread.

    Every verb comes in by `_serve`; one that no route of its address has is
    refused after the caller is known, never before.
    """

    auth_resource = RESOURCE
    # The panel's own questions do not keep an idle server alive.
    _track_activity = False

    def initialize(self, routes: dict[str, Route], desk: Desk) -> None:
        """Take the address's routes, by verb."""
        self.routes, self.desk = routes, desk

    @web.authenticated
    async def _serve(self, **in_path: str) -> None:
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site" and not (
            self.token_authenticated
        ):
            raise web.HTTPError(403)
        route = self.routes.get(self.request.method or "")
        action = route.action if route else "execute"
        if not await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, RESOURCE)
        ):
            raise web.HTTPError(403)
        if route is None:
            raise web.HTTPError(405)
        answer = await self.desk.answer(route, self._asked(route, in_path))
        self.set_status(route.status)
        if isinstance(answer, Content):
            self._send(answer)
        else:
            self.finish(_ENCODER.encode(answer))

    get = head = post = put = patch = delete = _serve

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer with a `Problem`, whatever was raised."""
        error = (details.get("exc_info") or (None, None, None))[1]
        if isinstance(error, MlopsError):
            status, problem = of_error(error)
            self.set_status(status)
        elif isinstance(error, web.HTTPError) and status_code < 500:  # noqa: PLR2004 - HTTP
            _, problem = of_status(status_code, error.log_message or "")
            if status_code == 405:  # noqa: PLR2004 - HTTP
                self.set_header("Allow", ", ".join(sorted(self.routes)))
        else:
            _, problem = of_status(status_code)
        self.finish(_ENCODER.encode(problem))

    def log_exception(self, kind: Any, value: Any, traceback: Any) -> None:
        """Log what is no error of ours with its traceback; ours were meant for the caller."""
        if isinstance(value, MlopsError):
            self.log.debug("py_mlops | %s: %s", type(value).__name__, value.message)
        else:
            super().log_exception(kind, value, traceback)

    def _asked(self, route: Route, in_path: dict[str, str]) -> object:
        """Return the parameters, strictly checked."""
        try:
            if route.verb == "POST":
                if len(self.request.body) > _LARGEST_BODY:
                    raise web.HTTPError(413)
                return msgspec.json.decode(self.request.body, type=route.asks)
            given: dict[str, str] = dict(in_path)
            for name in self.request.query_arguments:
                values = self.get_query_arguments(name)
                if len(values) > 1 or name in given:
                    raise _unreadable(f"{name[:40]!r} is given twice")
                given[name] = values[0]
            given.pop("_", None)  # what JupyterLab adds against caches
            return msgspec.convert(given, route.asks, strict=False)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise _unreadable(str(error)) from error

    def _send(self, content: Content) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        # Even opened in a window of its own it is no page of this server's.
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        if content.name:
            name = re.sub(r"[^\w.-]", "_", content.name, flags=re.ASCII)
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(content.data, set_content_type=content.mime)


class Unknown(Endpoint):
    """Any other address below ours: there is nothing, and only who may look is told so."""

    @web.authenticated
    async def _serve(self, **_: str) -> None:
        raise web.HTTPError(404)

    get = head = post = put = patch = delete = _serve


def handlers(routes: Sequence[Route], base_url: str, desk: Desk) -> list[Handler]:
    """Return tornado's handlers of some routes.

    Args:
        routes: The routes; each must say what a caller must be allowed to do.
        base_url: The server's base address.
        desk: What their operations work with.

    Returns:
        One handler an address, and a last one that finds nothing.

    Raises:
        ValueError: When a route has no rule of access, or two have one address and verb.
    """
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        if route.action not in _ACTIONS:
            raise ValueError(f"{route.verb} {route.path} does not say who may use it")
        taken = by_path.setdefault(route.path, {})
        if route.verb in taken:
            raise ValueError(f"{route.verb} {route.path} is there twice")
        taken[route.verb] = route
    root = re.escape(base_url.rstrip("/") + BASE)
    made: list[Handler] = [
        (root + _pattern(path), Endpoint, {"routes": verbs, "desk": desk})
        for path, verbs in by_path.items()
    ]
    return [*made, (f"{root}(?:/.*)?", Unknown, {"routes": {}, "desk": desk})]


def _pattern(path: str) -> str:
    def group(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"

    return re.sub(r"\\\{(\w+)(\\\+)?\\\}", group, re.escape(path)) + "$"


def _unreadable(why: str) -> InputError:
    return InputError(
        f"The request cannot be read: {why:.300}.", hint="Reload the page; it may be an old one."
    )
