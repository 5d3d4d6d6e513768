"""What a PostgreSQL connection knows of itself: recorded, and told without a server."""

from __future__ import annotations

import re
from typing import Any, Callable

from .sql_answer import Question, begin, playing

CONNECTION = "(connection)"
"""The question whose answer is what is known of a connection once it is made."""
_STATUSES = (
    *("server_version", "server_encoding", "client_encoding", "application_name", "TimeZone"),
    *("DateStyle", "IntervalStyle", "integer_datetimes", "standard_conforming_strings"),
    *("is_superuser", "in_hot_standby", "default_transaction_read_only"),
)
_HARMLESS = {
    *("host", "hostaddr", "port", "dbname", "application_name", "client_encoding"),
    *("connect_timeout", "channel_binding", "gssdelegation", "gssencmode", "krbsrvname"),
    *("load_balance_hosts", "ssl_min_protocol_version", "sslcertmode", "sslcompression"),
    *("sslmode", "sslnegotiation", "sslsni", "target_session_attrs"),
}
"""Parameters of libpq that hold no secret; a later libpq may well have new ones that do."""
_PARTS = (
    re.compile(r"@?[\w.,:/\\\[\]-]*"),
    re.compile(r"[\d,]*"),
    re.compile(r"[\w.$ -]*"),
)
"""What hosts, ports and names of databases are made of."""
_OF_PSYCOPG = (
    *("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory"),
    "server_cursor_factory",
)
"""What psycopg takes beside libpq's parameters."""


def source_of(about: dict[str, Any]) -> str:
    """Return the database that libpq's parameters name, without user and password."""
    host, port, name = _place(about)
    return f"postgresql://{host}:{port}/{name}"


def _given(about: dict[str, Any]) -> list[str]:
    host, port = about.get("host") or about.get("hostaddr") or "", about.get("port") or 5432
    return [str(host), str(port), str(about.get("dbname") or about.get("database") or "")]


def _place(about: dict[str, Any]) -> list[str]:
    """Return host, port and name; what libpq misread may be a part of a password, and is none."""
    return [text if part.fullmatch(text) else "" for part, text in zip(_PARTS, _given(about))]


def _misread(about: dict[str, Any]) -> bool:
    return _place(about) != _given(about)


def psycopg_parameters(
    module: Any, conninfo: str, options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return libpq's parameters as the program gives them, and what it tells psycopg.

    Args:
        module: ``psycopg``.
        conninfo: Parameters as text.
        options: More of them, and psycopg's.
    """
    own = {name: options[name] for name in _OF_PSYCOPG if name in options}
    rest = {name: value for name, value in options.items() if name not in own}
    return module.conninfo.conninfo_to_dict(conninfo, **rest), own


def psycopg2_parameters(module: Any, dsn: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return libpq's parameters as the program gives them.

    Args:
        module: ``psycopg2``.
        dsn: Parameters as text.
        options: More of them.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return {**module.extensions.parse_dsn(dsn or ""), **given}


def connecting(about: dict[str, Any]) -> Question:
    """Return the question that a connection answers.

    Args:
        about: libpq's parameters as the program gave them: where they say nothing,
            the environment does, and a rerun has another one.
    """
    return Question(source_of(about), CONNECTION)


def record_made(
    about: dict[str, Any], parameters: dict[str, Any], status: Callable[[str], Any], version: int
) -> None:
    """Record what a connection knows of itself.

    Args:
        about: As for `connecting`.
        parameters: libpq's, as they are in force.
        status: Returns a parameter that the server told of.
        version: The server's, as a number.
    """
    source = source_of(parameters)
    writing = begin(lambda: connecting(about)._replace(shown=source))
    if writing is not None:
        writing.values(
            {
                "source": source,
                "parameters": {k: v for k, v in parameters.items() if k in _HARMLESS},
                "statuses": {name: status(name) for name in _STATUSES},
                "version": version,
            }
        )


def record_failed(about: dict[str, Any], error: Exception) -> None:
    """Record that there is no connection.

    Args:
        about: As for `connecting`.
        error: What the driver said.
    """
    writing = begin(lambda: connecting(about))
    if writing is not None and (not about or _misread(about)):
        writing.abandon("Its address could not be read.")
    elif writing is not None:
        writing.failed(error, [about.get("user"), about.get("password")])


class Info:
    """A ``ConnectionInfo`` of psycopg or psycopg2 without a server, as far as it was recorded.

    Attributes:
        source: The database, as in the recorded answers.
        server_version: As a number.
    """

    vendor, options, user, password, error_message = "PostgreSQL", "", "", "", ""
    status, transaction_status, pipeline_status, backend_pid, socket = 0, 0, 0, 0, -1
    protocol_version, full_protocol_version = 3, 30000
    needs_password = used_password = ssl_in_use = False

    def __init__(self, about: dict[str, Any], driver: Any = None) -> None:
        """Look up what was recorded.

        Args:
            about: libpq's parameters as the program gives them.
            driver: The DBAPI module.

        Raises:
            Unrecorded: When no such connection was made in the recorded run.
            Exception: The error that connecting ended in.
        """
        known = connecting(about).replay(playing(CONNECTION), driver).values
        self.source: str = known["source"]
        self.server_version: int = known["version"]
        self.dsn_parameters: dict[str, Any] = known["parameters"]
        self._statuses: dict[str, Any] = known["statuses"]

    def parameter_status(self, name: str) -> Any:
        """Return a parameter that the server told of."""
        return self._statuses.get(name)

    def get_parameters(self) -> dict[str, Any]:
        """Return libpq's parameters, without user and password."""
        return dict(self.dsn_parameters)

    @property
    def dbname(self) -> str:
        """The database's name."""
        return str(self.dsn_parameters.get("dbname", ""))

    name = dbname

    @property
    def host(self) -> str:
        """The server's."""
        return str(self.dsn_parameters.get("host", ""))

    @property
    def hostaddr(self) -> str:
        """The server's address, where the program gave one."""
        return str(self.dsn_parameters.get("hostaddr", ""))

    @property
    def port(self) -> int:
        """The server's."""
        return int(self.dsn_parameters.get("port") or 5432)

    @property
    def dsn(self) -> str:
        """The parameters as one text."""
        return " ".join(f"{name}={value}" for name, value in self.dsn_parameters.items())

    @property
    def encoding(self) -> str:
        """Python's name of the encoding, which is always UTF-8 here."""
        return "utf-8"

    @property
    def timezone(self) -> Any:
        """The session's."""
        import zoneinfo

        try:
            return zoneinfo.ZoneInfo(self._statuses.get("TimeZone") or "UTC")
        except (KeyError, OSError, ValueError):
            return zoneinfo.ZoneInfo("UTC")


def quoted_identifier(name: str) -> str:
    """Return an identifier as SQL has it.

    Raises:
        ValueError: When it holds a NUL, which no identifier may.
    """
    if "\0" in name:
        raise ValueError("an identifier cannot hold a NUL")
    return '"' + name.replace('"', '""') + '"'
