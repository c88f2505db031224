"""A real PostgreSQL server, started once for a test session from a package, in a folder of its own."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server with pgvector; the test is skipped where its package is not installed."""
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver", reason="needs the package pgserver, which holds a server")
    # Not in pytest's own folder: run by root the server is another user, who may not enter that.
    with tempfile.TemporaryDirectory(prefix="scrimp-pg-", ignore_cleanup_errors=True) as folder:
        server = _started(pgserver, Path(folder))
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def _started(pgserver: Any, folder: Path) -> Any:
    """The server; on a busy machine it may not be up in the time that its own starter gives it."""
    for attempt in range(3):
        try:
            return pgserver.get_server(folder / str(attempt), cleanup_mode="stop")
        except subprocess.CalledProcessError:
            if attempt == 2:
                raise
    raise AssertionError


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """The URL of a database on it, as long as the test lasts."""
    import psycopg

    name = f"scrimp_{next(_NUMBERS)}"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
        yield urlsplit(postgres)._replace(path=f"/{name}").geturl()
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["file", pytest.param("server", marks=[pytest.mark.slow, pytest.mark.xdist_group("postgres")])])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a journal or an account is: in a new file, and in a new database."""
    return tmp_path / "scrimp.sqlite" if request.param == "file" else str(request.getfixturevalue("database"))


@pytest.fixture
def schema() -> str:
    """A name that no other test of this session uses."""
    return f"scrimp_{next(_NUMBERS)}"
