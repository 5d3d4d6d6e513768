"""Which database a driver of the DBAPI was told to connect to, without user and password."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

DRIVERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pyodbc": ("odbc", ("text",)),
    "mysql.connector": ("mysql", ()),
    "mariadb": ("mysql", ()),
    "pg8000": ("postgresql", ("user", "host", "database", "port", "password")),
    "pg8000.dbapi": ("postgresql", ("user", "host", "database", "port", "password")),
    "redshift_connector": ("redshift", ("user", "database", "password", "port", "host")),
    "pymssql": ("mssql", ("server", "user", "password", "database")),
    "oracledb": ("oracle", ("text",)),
    "cx_Oracle": ("oracle", ("user", "password", "text")),
    "snowflake.connector": ("snowflake", ()),
    "databricks.sql": ("databricks", ("server_hostname", "http_path", "access_token")),
    "trino.dbapi": ("trino", ("host", "port", "user")),
    "prestodb.dbapi": ("presto", ("host", "port", "user")),
    "vertica_python": ("vertica", ("text",)),
    "teradatasql": ("teradata", ("text",)),
    "ibm_db_dbi": ("db2", ("text", "user", "password", "host", "database")),
    "hdbcli.dbapi": ("hana", ("address", "port", "user", "password")),
    "clickhouse_driver.dbapi": ("clickhouse", ("text",)),
    "impala.dbapi": ("impala", ("host", "port", "database")),
    "pyhive.hive": ("hive", ("host", "port", "username", "database")),
    "jaydebeapi": ("jdbc", ("driver", "text")),
    "adbc_driver_postgresql.dbapi": ("postgresql", ("text",)),
    "adbc_driver_snowflake.dbapi": ("snowflake", ("text",)),
    "adbc_driver_flightsql.dbapi": ("flightsql", ("text",)),
}
"""By module: what its databases are called, and what the parameters of ``connect`` without a
name are; ``text`` is one that names the place in a syntax of its own."""

PORTS = {
    "postgresql": 5432,
    "postgres": 5432,
    "redshift": 5439,
    "mysql": 3306,
    "mariadb": 3306,
    "mssql": 1433,
    "oracle": 1521,
}
"""Where servers listen of whom an address names no port."""

_HOSTS = (
    *("host", "server", "hostname", "server_hostname", "address", "servername", "addr"),
    *("data source", "account", "unix_socket", "dsn"),
)
_NAMES = (
    *("database", "db", "dbname", "databasename", "initial catalog", "service_name", "sid"),
    *("catalog", "http_path", "schema"),
)
_LONG = 2000
_TEXTS = ("text", "dsn", "uri", "connection_string", "url", "conninfo")
_ORACLE = re.compile(r"\(\s*(host|port|service_name|sid)\s*=\s*([^()\s]+)\s*\)", re.IGNORECASE)
_EASY = re.compile(r"(.*@)?(?://)?([^@/:\s]+)(?::(\d+))?(?:/([^@\s]+))?$", re.DOTALL)
_ODBC = re.compile(r"([^=;]+)=\s*(\{(?:[^}]|\}\})*\}|[^;=]*)(?:;|$)")
_LIBPQ = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_URL = re.compile(r"(?:jdbc:)?[\w+.-]+://")
_HIDDEN = re.compile("user|uid|pass|pwd|token|secret|key|auth|login", re.IGNORECASE)
_CLEAR = {"host": r"[\w.\-\[\]:\\]*", "port": r"\d*", "name": r"[\w.\-/$]*"}
"""What hosts, ports and names are made of; a part of anything else may be a password's."""


def source_of(driver: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return where a connection leads to: ``odbc://host:1433/database``.

    Args:
        driver: A key of `DRIVERS`.
        args: What ``connect`` was given without names.
        kwargs: What it was given with names.
    """
    scheme, names = DRIVERS[driver]
    about = _about(names, args, kwargs)
    apart = any(map(_HIDDEN.search, about))
    for name in _TEXTS:
        text = about.get(name, "")
        if name == "text" or re.search("[=/:@]", text):
            about.pop(name, None)
            about = {**_of_text(text, apart=apart), **about}
    host = next((about[name] for name in _HOSTS if about.get(name)), "")
    if _URL.match(host):
        about = {**of_url(host), **about}
        host = of_url(host).get("host", "")
    host, port = _parted(host, about.get("port", ""))
    name = next((about[name] for name in _NAMES if about.get(name)), "")
    return source(scheme, host, port, name)


def source(scheme: str, host: str, port: str, name: str) -> str:
    """Return a database's address; what may be a part of something else is left out.

    Args:
        scheme: What kind of database it is.
        host: Its host.
        port: Its port.
        name: Its name.
    """
    parts = {"host": host, "port": port, "name": name.lstrip("/")}
    clear = {part: text if re.fullmatch(_CLEAR[part], text) else "" for part, text in parts.items()}
    return f"{scheme}://{clear['host']}:{clear['port']}/{clear['name']}"


def hidden(driver: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Return the user, the password and the like that a connection was given.

    Args:
        driver: As for `source_of`.
        args: The same.
        kwargs: The same.
    """
    about = _about(DRIVERS[driver][1], args, kwargs)
    found = [text for name, text in about.items() if _HIDDEN.search(name)]
    for text in about.values():
        pairs = [*_ODBC.findall(text), *_LIBPQ.findall(text)]
        found += [value.strip("{}'") for name, value in pairs if _HIDDEN.search(name)]
        user, at, _ = text.partition("://")[2].rpartition("@")
        found += user.split(":", 1) if at else text.rpartition("@")[0].split("/", 1)
    return [*found, *map(urllib.parse.unquote, found)]


def _about(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, str]:
    given = {**dict(zip(names, args)), **kwargs}
    return {name.lower(): str(value) for name, value in given.items() if value is not None}


def without_credentials(text: str) -> str:
    """Return ODBC's ``NAME=value;…`` with no more in it than what names the place."""
    odbc = len(text) < _LONG and "=" in text and not _URL.match(text)
    told = _of_text(text, apart=False) if odbc else {}
    kept = {*_HOSTS, *_NAMES, "port"}
    parts = {name: value for name, value in told.items() if name in kept}
    clear = all(re.fullmatch(r"[\w.,\-\[\]:\\/$]*", value) for value in parts.values())
    return ";".join(f"{name}={value}" for name, value in parts.items()) if clear else ""


def _of_text(text: str, *, apart: bool) -> dict[str, str]:
    """Read an URL, ODBC's ``NAME=value;…``, or Oracle's ``host:port/service``.

    Rather nothing is told than a part of a password that looks like something else.

    Args:
        text: What names the place.
        apart: Whether user and password were given apart from it.
    """
    if _URL.match(text):
        return of_url(text)
    if text.startswith("{"):
        return _of_json(text)
    if described := _ORACLE.findall(text):
        return {name.lower(): value for name, value in reversed(described)}
    if "=" in text:
        pairs = (_ODBC if ";" in text or text.count("=") == 1 else _LIBPQ).findall(text)
        return {name.strip().lower(): value.strip("{}' ") for name, value in pairs}
    easy = _EASY.match(text)
    if easy is None or not (easy[1] or easy[3] or apart):
        return {}
    return {"host": easy[2], "port": easy[3] or "", "service_name": easy[4] or ""}


def _of_json(text: str) -> dict[str, str]:
    try:
        about = json.loads(text)
    except ValueError:
        return {}
    return {str(name).lower(): str(value) for name, value in about.items()}


def of_url(text: str) -> dict[str, str]:
    """Return host, port and database of an address, none where a password may be among them.

    Args:
        text: The address, also one of Java's.
    """
    rest = text.partition("://")[2]
    place = re.split("[/?#;]", rest)[0]
    if "@" in rest[len(place) :]:  # of a password, in which it was not quoted
        return {}
    try:
        url = urllib.parse.urlsplit("//" + re.split("[;?#]", rest)[0])
        return {"host": url.hostname or "", "port": str(url.port or ""), "database": url.path[1:]}
    except ValueError:
        return {}


def _parted(host: str, port: str) -> tuple[str, str]:
    """Part SQL Server's ``tcp:host,1433``, and ``host:1433``."""
    host = host[4:] if host.lower().startswith("tcp:") else host
    found = re.fullmatch(r"([^,:]*)[,:](\d+)", host)
    return (found[1], port or found[2]) if found else (host, port)
