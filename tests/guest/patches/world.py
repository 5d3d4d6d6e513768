"""Programs that ask a database, run beside it and, with the same tape, in a world without it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from py_mlops.notebook.ship import guest_zip
from py_mlops.notebook.tracer import trace_environment, tracer_library
from tests.mariadb import MariaDB
from tests.postgresql import PostgreSQL

START = """
import sys
sys.path.insert(0, {zip!r})
from mlops_guest.patches import install, tape
if {mode!r} != "none":
    install({mode!r})
URL, CONNINFO = {url!r}, {conninfo!r}
out = {{}}
{source}
import pickle
pickle.dump(out, open({target!r}, "wb"))
"""
FILL = """
DROP TABLE IF EXISTS sale;
CREATE TABLE sale (id serial PRIMARY KEY, name text, price numeric(10,2), at timestamptz, d date,
  tags text[], doc jsonb, ok bool, f float8, raw bytea, u uuid, span int4range, ip inet,
  iv interval, t time);
INSERT INTO sale (name, price, at, d, tags, doc, ok, f, raw, u, span, ip, iv, t)
SELECT 'n' || i, i * 1.5, '2024-01-01 10:00+02'::timestamptz + i * interval '1 hour',
  '2024-01-01'::date + i, ARRAY['a', NULL], '{"a": [1, null]}', i % 2 = 0,
  CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN NULL ELSE i / 3.0 END, decode('00ff', 'hex'),
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,5)', '10.0.0.1', '1 day 02:00', '10:11:12.5'
FROM generate_series(1, 2500) i;
DROP TABLE IF EXISTS note;
"""


class World:
    """Runs a program beside a server and, with the same tape, in a world without it."""

    def __init__(
        self,
        server: PostgreSQL | MariaDB,
        folder: Path,
        environment: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        """Ship the guest into a folder.

        Args:
            server: The database's.
            folder: Where programs run.
            environment: What their environment has beside this process's.
            python: The interpreter that runs them.
        """
        self.python = python
        self.server, self.folder, self.tape = server, folder, folder / "tape"
        self.environment = {**os.environ, **(environment or {})}
        self._zip = str(guest_zip(folder / "cache"))

    def run(
        self,
        source: str,
        mode: str,
        driver: str = "psycopg",
        limit: str = "",
        extra: dict[str, str] | None = None,
    ) -> Any:
        """Run a program, which fills ``out``; return that."""
        target = self.folder / f"{mode}.pickle"
        program = START.format(
            zip=self._zip,
            mode=mode,
            source=source,
            target=str(target),
            url=self.server.url.replace("postgresql:", f"postgresql+{driver}:"),
            conninfo=self.server.conninfo,
        )
        alone = ["unshare", "-rn"] if mode == "rerun" else []
        own = {"MLOPS_TAPE": str(self.tape), "MLOPS_TAPE_LIMIT": limit}
        environment = {**self.environment, **own, **(extra or {})}
        done = subprocess.run(
            [*alone, self.python, "-c", program],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stderr
        return pickle.loads(target.read_bytes())

    def index(self) -> list[dict[str, Any]]:
        """Return the lines of the tape's index."""
        return [json.loads(line) for line in (self.tape / "index.jsonl").read_text().splitlines()]

    def gone(self, source: str, driver: str = "psycopg") -> None:
        """Record with the server, replay without, and compare values, types and dtypes."""
        recorded = self.run(source, "record", driver)
        self.server.stop()
        try:
            replayed = self.run(source, "rerun", driver)
        finally:
            self.server.start()
        assert recorded.keys() == replayed.keys()
        for name, value in recorded.items():
            if isinstance(value, pd.DataFrame):
                pd.testing.assert_frame_equal(replayed[name], value, check_exact=True)
            else:
                assert repr(replayed[name]) == repr(value), name

    def traced(self) -> dict[str, str]:
        """Return what makes a program traced, for `run`."""
        library, log = tracer_library(), self.folder / "log"
        assert library is not None
        log.touch()
        return trace_environment(library, log, sys.executable)


def sales(server: PostgreSQL, folder: Path, python: str = sys.executable) -> World:
    """Return a world with a table of sales of many types, and a place for a tape."""
    server.execute(FILL)
    return World(server, folder, python=python)
