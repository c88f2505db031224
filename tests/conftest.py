"""What holds for every test: no network, no writing outside, a home of its own."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.postgres import database, place, postgres, schema  # noqa: F401 - fixtures, one server for all

ROOT = Path(__file__).resolve().parent.parent
TEST_HOME = ROOT / ".scrimp"
_NUMBERS = itertools.count()
LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}

settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


class NetworkForbidden(AssertionError):
    """A test reached for something beyond this machine."""


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOOPBACK and not str(name).startswith("127."):
        raise NetworkForbidden(f"a test tried to reach {name!r}: tests use no network")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Sockets and name look-ups stay on this machine."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            _check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if isinstance(address, tuple):
            _check(address[0])
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _check(host)
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def scrimp_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _homes: Path) -> Path:
    """SCRIMP_HOME of the test: a fresh folder, or the checkout's `.scrimp` for tests marked `model`.

    The folder is made by whoever first writes to it.
    """
    home = TEST_HOME if request.node.get_closest_marker("model") else _homes / f"{next(_NUMBERS):05d}"
    monkeypatch.setenv("SCRIMP_HOME", str(home))
    monkeypatch.delenv("SCRIMP_MODEL", raising=False)
    monkeypatch.delenv("SCRIMP_JOURNAL", raising=False)
    return home


@pytest.fixture(scope="session")
def scrimp_data() -> Path:
    """The folder of official benchmark files; the test is skipped where SCRIMP_DATA names none."""
    named = os.environ.get("SCRIMP_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("needs official benchmark files: set SCRIMP_DATA")
    return Path(named)


def _small_model_is_there() -> bool:
    from scrimp.core.errors import MissingExtra
    from scrimp.models.weights import find

    try:
        find("small", TEST_HOME)
    except MissingExtra:
        return False
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that load a model share one worker; without the model they are skipped, or fail where it was promised."""
    marked = [item for item in items if item.get_closest_marker("model")]
    if config.pluginmanager.hasplugin("xdist"):
        for item in marked:
            item.add_marker(pytest.mark.xdist_group("model"))
    if marked and not _small_model_is_there() and not os.environ.get("SCRIMP_NEED_MODEL"):
        skip = pytest.mark.skip(reason="the small model is not here: SCRIMP_HOME=.scrimp scrimp models get small")
        for item in marked:
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Figures that a test has to show, wherever it ran: `record_property("shown", text)`."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, text in getattr(report, "user_properties", ()):
            if name == "shown" and report.when == "call":
                terminalreporter.write_line(text)
