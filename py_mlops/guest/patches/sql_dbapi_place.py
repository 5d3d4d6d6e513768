"""Which database a driver of the DBAPI was told to connect to, without user and password."""

from __future__ import annotations

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

_HOSTS = (
    *("host", "server", "hostname", "server_hostname", "address", "servername", "addr"),
    *("data source", "account", "unix_socket", "dsn"),
)
_NAMES = (
    *("database", "db", "dbname", "databasename", "initial catalog", "service_name", "sid"),
    *("catalog", "http_path", "schema"),
)
_TEXTS = ("text", "dsn", "connection_string", "url", "conninfo")
_ORACLE = re.compile(r"\(\s*(host|port|service_name|sid)\s*=\s*([^()\s]+)\s*\)", re.IGNORECASE)
_EASY = re.compile(r"(.*@)?(?://)?([^@/:\s]+)(?::(\d+))?(?:/([^@\s]+))?$", re.DOTALL)
_ODBC = re.compile(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;=]*)(?:;|$)")


def source_of(driver: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return where a connection leads to: ``odbc://host:1433/database``.

    Args:
        driver: A key of `DRIVERS`.
        args: What ``connect`` was given without names.
        kwargs: What it was given with names.
    """
    scheme, names = DRIVERS[driver]
    given = {**dict(zip(names, args)), **kwargs}
    about = {name.lower(): str(value) for name, value in given.items() if value is not None}
    for name in _TEXTS:
        text = about.get(name, "")
        if name == "text" or re.search("[=/:@]", text):
            about.pop(name, None)
            about = {**_of_text(text, named=name != "text"), **about}
    host = next((about[name] for name in _HOSTS if about.get(name)), "")
    host, port = _parted(host, about.get("port", ""))
    name = next((about[name] for name in _NAMES if about.get(name)), "")
    return f"{scheme}://{host}:{port}/{name.lstrip('/')}"


def without_credentials(text: str) -> str:
    """Return ODBC's ``NAME=value;…`` with no more in it than what names the place."""
    told = _of_text(text, named=False) if "=" in text and "://" not in text else {}
    kept = {*_HOSTS, *_NAMES, "port"}
    return ";".join(f"{name}={value}" for name, value in told.items() if name in kept)


def _of_text(text: str, *, named: bool) -> dict[str, str]:
    """Read an URL, ODBC's ``NAME=value;…``, or Oracle's ``host:port/service``.

    Rather nothing is told than a part of a password that looks like something else.

    Args:
        text: What names the place.
        named: Whether it came with a name, and so is no ``user/password``.
    """
    if "://" in text:
        return _of_url(text[5:] if text.startswith("jdbc:") else text)
    if described := _ORACLE.findall(text):
        return {name.lower(): value for name, value in reversed(described)}
    if "=" in text:
        return {name.lower(): value.strip("{} ") for name, value in _ODBC.findall(text)}
    easy = _EASY.match(text)
    if easy is None or not (easy[1] or named or easy[3] or "." in easy[2]):
        return {}
    return {"host": easy[2], "port": easy[3] or "", "service_name": easy[4] or ""}


def _of_url(text: str) -> dict[str, str]:
    try:
        url = urllib.parse.urlsplit(re.split("[;?]", text)[0])
        port = str(url.port or "")
    except ValueError:
        return {}
    if "@" in url.path:
        return {}
    return {"host": url.hostname or "", "port": port, "database": url.path.lstrip("/")}


def _parted(host: str, port: str) -> tuple[str, str]:
    """Part SQL Server's ``tcp:host,1433``, and ``host:1433``."""
    host = host[4:] if host.lower().startswith("tcp:") else host
    found = re.fullmatch(r"([^,:]*)[,:](\d+)", host)
    return (found[1], port or found[2]) if found else (host, port)
