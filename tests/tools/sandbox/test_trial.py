"""A sandbox that does not hold is refused in one line, before any program of a model's runs in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import anyio
import pytest

from scrimp.core.errors import InputError, MissingExtra
from scrimp.tools.sandbox import backends, trial
from scrimp.tools.sandbox.backends import Bubblewrap, Sandlock
from scrimp.tools.sandbox.trial import fault, open_sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


class Open:
    """No outer wall at all."""

    name = "open"

    def command(self, python: Sequence[str], folder: str) -> list[str]:
        return list(python)


class Broken:
    name = "broken"

    def command(self, python: Sequence[str], folder: str) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]


def test_what_does_not_hold_is_named() -> None:
    assert anyio.run(fault, Open()) == "a program could read a file outside, write a file outside"


def test_what_does_not_start_is_named() -> None:
    assert anyio.run(fault, Broken()) == "the sandbox broken did not start: no such luck"


def test_another_machine_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert anyio.run(fault, Sandlock()) == "its guard knows Linux on x86-64, not linux on riscv64"


def test_a_machine_without_a_sandbox_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_shown", {})
    with pytest.raises(InputError) as caught:
        anyio.run(open_sandbox, (Open(), Broken()))
    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith("programs cannot be confined on this machine: open: a program could read a file outside")
    assert "broken: the sandbox broken did not start" in told
    assert "pip install 'scrimp[sandbox]'" in told


def test_the_first_that_holds_is_taken_and_put_to_the_test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sandlock")
    asked = []

    async def watched(sandbox: object) -> str:
        asked.append(sandbox)
        return await fault(sandbox)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "_shown", {})
    monkeypatch.setattr(trial, "fault", watched)
    candidates = (Broken(), Sandlock())
    assert anyio.run(open_sandbox, candidates).name == "sandlock"
    assert anyio.run(open_sandbox, candidates).name == "sandlock"
    assert asked == list(candidates)


def test_what_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(backends.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match=r"scrimp\[sandbox\]"):
        Sandlock().command([], "")
    with pytest.raises(InputError, match="bubblewrap"):
        Bubblewrap().command([], "")
