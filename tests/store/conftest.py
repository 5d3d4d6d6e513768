"""What several of the store's tests stand on."""

from __future__ import annotations

from tests.postgresql import server

__all__ = ["server"]
