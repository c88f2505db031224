"""A real PostgreSQL server, started once for a test session from a package, in a folder of its own."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with pgvector; the test is skipped where its package is not installed."""
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="needs the package pgserver, which holds a server")
        folder = Path(tmp_path_factory.mktemp("pg"))
        server = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


@pytest.fixture
def schema() -> str:
    """A name that no other test of this session uses."""
    return f"scrimp_{next(_NUMBERS)}"
