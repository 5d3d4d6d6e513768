"""Prints the OpenAPI document, ``python -m py_mlops.server.write_openapi``, for a changed route."""

from __future__ import annotations

import sys

from py_mlops.server.events import CHANGED
from py_mlops.server.openapi import text
from py_mlops.server.routes import ROUTES

if __name__ == "__main__":
    sys.stdout.write(text(ROUTES, CHANGED))
