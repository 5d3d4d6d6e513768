from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.webserver import index, play, play_twice, serving

AIOHTTP = """
import asyncio, io
import aiohttp
async def ask(c, method, path, **options):
    try:
        async with c.request(method, path if "://" in path else url + path, **options) as r:
            print(r.status, r.reason, r.version, r.raw_headers, len(r.history), await r.read())
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        print(repr(error), str(error))
async def pieces():
    yield b"one"
    yield b"two"
async def text(c, i):
    async with c.get(f"{url}/csv?i={i % 3}") as r:
        return i, await r.text()
async def main():
    async with aiohttp.ClientSession() as c:
        print(await asyncio.gather(*[text(c, i) for i in range(12)]))
        for path in "json chunked unsized gzip moved count count empty nope dies mute".split():
            await ask(c, "GET", "/" + path)
        await ask(c, "HEAD", "/csv")
        await ask(c, "GET", "/range", headers={"Range": "bytes=5-900"})
        form = aiohttp.FormData()
        form.add_field("f", b"content", filename="x.txt")
        await ask(c, "POST", "/quiet", data=form)
        for body in (b"bytes", "text", io.BytesIO(b"file" * 9000), pieces()):
            await ask(c, "POST", "/echo", data=body)
        await ask(c, "POST", "/echo", json={"a": 1})
        await ask(c, "POST", "/echo", data=b"word", expect100=True)
        await ask(c, "GET", "/hangs", timeout=aiohttp.ClientTimeout(total=0.2))
        await ask(c, "GET", "/hangs", timeout=aiohttp.ClientTimeout(sock_read=0.2))
        await ask(c, "GET", "http://127.0.0.1:9/refused")
        await ask(c, "GET", "https://127.0.0.1:9/refused")
        await ask(c, "GET", "http://no.such.host.invalid/")
        await ask(c, "GET", "http://data.example.invalid/csv", proxy=url)
        async with c.get(url + "/endless") as r:
            print(len(await r.content.readexactly(1000)))
        async with c.get(url + "/csv") as r:
            print([line async for line in r.content])
        async with c.get(url + "/unsized") as r:
            print(sum([len(piece) async for piece in r.content.iter_chunked(900)]))
asyncio.run(main())
"""

FSSPEC = """
import fsspec
with fsspec.open(url + "/csv") as f:
    print(f.read())
with fsspec.open(url + "/range") as f:
    f.seek(500)
    print(f.read(20))
    f.seek(100_000)
    print(f.read(20))
web = fsspec.filesystem("http")
print(web.cat([url + "/csv", url + "/json"]), web.info(url + "/range"))
try:
    web.cat(url + "/nope")
except FileNotFoundError as error:
    print(repr(error))
"""

PLANTED = """
import asyncio, aiohttp
host = url.split("//")[1]
async def main():
    known = {"headers": {"Authorization": "PLANTED-1"}, "cookies": {"s": "PLANTED-2"}}
    async with aiohttp.ClientSession(**known) as c:
        for ask in (
            c.get(url + "/csv", params={"token": "PLANTED-3"}),
            c.get(url + "/moved"),
            c.post(url + "/quiet", data={"password": "PLANTED-5"}),
            c.post(url + "/quiet", json={"api_key": "PLANTED-6"}),
            c.post(url + "/grant"),
        ):
            async with ask as r:
                print(r.status, len(await r.read()))
asyncio.run(main())
"""

WEBSOCKET = """
import asyncio, aiohttp
async def main():
    async with aiohttp.ClientSession() as c:
        try:
            async with c.ws_connect(url + "/talk") as talk:
                print(await talk.receive_str())
        except aiohttp.ClientError as error:
            print(error)
asyncio.run(main())
"""

TALKING = """
from aiohttp import web
async def talk(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("PLANTED-word")
    await socket.close()
    return socket
app = web.Application()
app.add_routes([web.get("/talk", talk)])
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
web.run_app(app, sock=listening, print=None)
"""

OPEN = """
import asyncio, aiohttp
from py_mlops.guest.patches.tape import opened
async def main():
    async with aiohttp.ClientSession() as c:
        for _ in range(2):
            for path in ("/count", "/count?new"):
                async with c.get(url + path) as r:
                    print(await r.text())
        async with c.post(url + "/echo", data=b"bytes") as r:
            print(await r.read())
asyncio.run(main())
print(len(opened().unrecorded))
"""


def test_aiohttp_gets_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Bodies, headers, redirects, streams, proxies, time-outs and refusals, also side by side."""
    printed = play_twice(AIOHTTP, tmp_path)
    for expected in ("ClientPayloadError", "ServerDisconnectedError", "ClientConnectorError"):
        assert expected in printed
    assert "TimeoutError()" in printed
    assert not [line for line in index(tmp_path) if line["problem"]]


def test_fsspec_reads_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Whole files and parts of files."""
    printed = play_twice(FSSPEC, tmp_path)
    assert "Bern" in printed
    assert "FileNotFoundError" in printed


def test_no_credential_reaches_the_tape(tmp_path: Path) -> None:
    """Neither of headers, cookies, parameters and forms, nor one that is issued."""
    play_twice(PLANTED, tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Bern" in kept, "or nothing would be proven"
    assert b"PLANTED" not in kept


def test_an_unrecorded_request_is_named(tmp_path: Path) -> None:
    """As aiohttp's own error, also for the rest of a body that was partly read."""
    ask = """
import asyncio, aiohttp
async def main():
    async with aiohttp.ClientSession() as c:
        for path, size in PATHS:
            try:
                async with c.get(url + path) as r:
                    await r.content.readexactly(size)
            except aiohttp.ClientOSError as error:
                print(error)
asyncio.run(main())
"""
    with serving() as url:
        play("PATHS = [('/endless', 10)]" + ask, "record", tmp_path, url)
    paths = "PATHS = [('/other?key=PLANTED&q=1', 1), ('/endless', 1 << 30)]"
    printed = play(paths + ask, "rerun", tmp_path, url)
    assert f"GET {url}/other?key=***&q=1" in printed
    assert f"more is wanted now: GET {url}/endless" in printed


def test_a_websocket_is_a_hole(tmp_path: Path) -> None:
    """It works, is named as not kept, and a rerun says so."""
    with subprocess.Popen([sys.executable, "-c", TALKING], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        assert play(WEBSOCKET, "record", tmp_path, url) == "PLANTED-word\n"
        server.kill()
    (line,) = index(tmp_path)
    assert "websocket" in str(line["problem"])
    printed = play(WEBSOCKET, "rerun", tmp_path, url)
    assert "could not be kept" in printed
    assert "websocket" in printed


def test_with_an_open_tape_only_new_requests_reach_the_server(tmp_path: Path) -> None:
    """What was recorded is played back, side by side with what the server says now."""
    ask = """
import asyncio, aiohttp
async def main():
    async with aiohttp.request("GET", url + "/count") as r:
        print(await r.text())
asyncio.run(main())
"""
    with serving() as url:
        assert [play(ask, "record", tmp_path, url) for _ in range(2)][-1] == "2\n"
        printed = play(OPEN, "rerun", tmp_path, url, MLOPS_TAPE_OPEN="1")
    assert printed.splitlines() == ["2", "1", "2", "2", "b'bytes'", "2"]
