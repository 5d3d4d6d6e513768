"""Who may ask what: every route and verb, walked by strangers and by the server's user."""

from __future__ import annotations

import pytest
import requests

from py_mlops.server.contract import BASE, Nothing, Route
from py_mlops.server.endpoint import handlers
from py_mlops.server.operations.overview import status
from py_mlops.server.routes import ROUTES
from tests.jupyter import TOKEN
from tests.panels.conftest import SECONDS, SIGNED_IN, Panels

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PATHS = sorted({route.path for route in ROUTES})
DIGEST = "sha256:" + "0" * 64
ELSEWHERE = {"Origin": "https://elsewhere.example", "Referer": "https://elsewhere.example/"}


def filled(path: str) -> str:
    """Return a route's path with something in each place of it."""
    words = {"{path+}": "a/b.ipynb", "{digest}": DIGEST}
    if path.startswith("/jobs"):
        words["{id}"] = "20260101T000000000000-00000000"
    for name, value in (words | {"{id}": words.get("{id}", DIGEST)}).items():
        path = path.replace(name, value)
    return path


def asked(panels: Panels, verb: str, path: str, **more: object) -> requests.Response:
    """Ask an address."""
    session = more.pop("session", requests)
    return session.request(  # type: ignore[no-any-return, attr-defined]  # a session or the module
        verb, panels.url + filled(path), timeout=SECONDS, allow_redirects=False, **more
    )


def signed_in(panels: Panels) -> requests.Session:
    """Return a browser that has signed in: it has cookies, and no token in its headers."""
    session = requests.Session()
    session.get(f"{panels.server.url}/tree?token={TOKEN}", timeout=SECONDS)
    session.get(f"{panels.server.url}/api/status", timeout=SECONDS)
    assert any(name.startswith("username-") for name in session.cookies.keys())  # noqa: SIM118 - names, not cookies
    return session


@pytest.mark.parametrize("path", [*PATHS, "/nothing/here"])
def test_a_stranger_gets_nothing(panels: Panels, path: str) -> None:
    """Without a token every verb of every address is forbidden, known or not, and tells nothing."""
    for verb in VERBS:
        answer = asked(panels, verb, path)
        assert answer.status_code == 403, verb
        assert "sha256" not in answer.text
        wrong = asked(panels, verb, path, headers={"Authorization": "token wrong"})
        assert wrong.status_code == 403, verb


@pytest.mark.parametrize("path", PATHS)
def test_the_user_gets_an_answer(panels: Panels, path: str) -> None:
    """With a token each route answers, and every other verb is refused with the allowed ones."""
    known = {route.verb for route in ROUTES if route.path == path}
    for verb in VERBS:
        answer = asked(panels, verb, path, headers=SIGNED_IN)
        if verb in known:
            assert answer.status_code in {200, 400, 404}, (verb, answer.text)
            assert answer.status_code == 200 or set(answer.json()) == {"code", "message", "hint"}
        else:
            assert answer.status_code == 405, verb
            assert set(answer.headers["Allow"].split(", ")) == known


@pytest.mark.parametrize("path", PATHS)
def test_another_sites_page_gets_nothing(panels: Panels, path: str) -> None:
    """A page from elsewhere cannot use the cookies of who is signed in, by any verb."""
    session = signed_in(panels)
    assert asked(panels, "GET", "/status", session=session).status_code == 200
    for verb in VERBS:
        for headers in (ELSEWHERE, {"Sec-Fetch-Site": "cross-site"}):
            answer = asked(panels, verb, path, session=session, headers=headers)
            assert answer.status_code in {403, 404}, (verb, headers)
            assert "sha256" not in answer.text


def test_cookies_alone_change_nothing(panels: Panels) -> None:
    """A POST or DELETE with cookies needs the XSRF token too."""
    session = signed_in(panels)
    body = {"verb": "verify"}
    assert asked(panels, "POST", "/jobs", session=session, json=body).status_code == 403
    assert asked(panels, "DELETE", "/jobs/{id}", session=session).status_code == 403
    token = {"X-XSRFToken": session.cookies["_xsrf"]}
    assert asked(panels, "DELETE", "/jobs/{id}", session=session, headers=token).status_code == 404


def test_a_route_without_a_rule_cannot_be_registered() -> None:
    """A route must say what its caller must be allowed to do, and an address has one of each."""
    bare = Route("GET", "/open", None, status, Nothing, Nothing)  # type: ignore[arg-type]  # the point
    with pytest.raises(ValueError, match="does not say who may use it"):
        handlers([bare], "/", None)  # type: ignore[arg-type]  # it does not come so far
    ruled = Route("GET", "/open", "read", status, Nothing, Nothing)
    with pytest.raises(ValueError, match="is there twice"):
        handlers([ruled, ruled], "/", None)  # type: ignore[arg-type]  # the same
    assert [made[0] for made in handlers([ruled], "/", None)] == [  # type: ignore[arg-type]  # the same
        f"{BASE}/open$".replace("-", "\\-"),
        f"{BASE}(?:/.*)?".replace("-", "\\-"),
    ]
