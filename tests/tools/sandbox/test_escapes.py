"""Every attack on every sandbox of this machine is stopped, harms nothing, and the program is told why."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from pathlib import Path

import anyio
import pytest

from scrimp.testing.escapes import ATTACKS, Attack, Attempt, attempt
from scrimp.testing.escapes.scene import Scene
from scrimp.tools.sandbox.backends import Bubblewrap, Sandlock
from scrimp.tools.sandbox.limits import Limits, Sandbox
from scrimp.tools.sandbox.runner import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
QUICK = {
    "read through a symlink", "write a file outside", "open a file to everybody", "connect by TCP",
    "connect to an abstract socket", "a fork bomb", "kill another process", "limit another process",
    "/proc of its parent and all others", "open files that were left to it", "memory", "a flood of output",
    "time, deaf to signals", "files without an end",
}  # fmt: skip


def present() -> list[Sandbox]:
    """The sandboxes of this machine; tests of one that is missing are skipped."""
    return [Sandlock(), Bubblewrap()]


def need(sandbox: Sandbox) -> None:
    if sandbox.name == "sandlock":
        pytest.importorskip("sandlock")
    elif shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")


def faults(tried: Attempt) -> list[str]:
    """What an attempt shows that it must not."""
    found = list(tried.harm)
    if not re.search(tried.attack.reason, tried.outcome.text):
        found.append(f"the observation does not say why: {tried.outcome.text[-300:]!r}")
    return found


def all_faults(sandbox: Sandbox, attacks: list[Attack]) -> dict[str, list[str]]:
    async def each() -> dict[str, list[str]]:
        found = {}
        for attack in attacks:
            if bad := faults(await attempt(sandbox, attack)):
                found[attack.name] = bad
        return found

    return anyio.run(each)


@pytest.mark.parametrize("sandbox", present(), ids=lambda sandbox: sandbox.name)
def test_an_attack_harms_nothing_and_is_told_why(sandbox: Sandbox) -> None:
    need(sandbox)
    assert all_faults(sandbox, [attack for attack in ATTACKS if attack.name in QUICK]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", present(), ids=lambda sandbox: sandbox.name)
@pytest.mark.parametrize("kind", sorted({attack.kind for attack in ATTACKS}))
def test_every_attack_harms_nothing_and_is_told_why(sandbox: Sandbox, kind: str) -> None:
    need(sandbox)
    assert all_faults(sandbox, [attack for attack in ATTACKS if attack.kind == kind]) == {}


def test_there_are_enough_of_them() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 70
    assert len({attack.kind for attack in ATTACKS}) == 6
    assert {attack.name for attack in ATTACKS} >= QUICK


BENIGN = {
    "the standard library": (
        "import json, math, re\nprint(json.dumps(re.findall('a', 'banana')), math.isqrt(17))", '["a", "a", "a"] 4',
    ),
    "its own files": (
        "import os, tempfile\nwith tempfile.NamedTemporaryFile('w+') as file:\n    file.write('kept'); file.seek(0)\n"
        "    print(file.read())\nos.mkdir('deep'); open('deep/a', 'w').write('x'); os.rename('deep/a', 'b')\n"
        "sorted(os.listdir('.'))", 'kept\n["b", "deep"]',
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n"
        "    print(sum(pool.map(abs, range(-5, 0))))", "15",
    ),
    "asyncio": (
        "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    return 'slept'\nasyncio.run(main())",
        "slept",
    ),
    "a value that is no JSON": ("from fractions import Fraction\nFraction(1, 3)", "Fraction(1, 3)"),
    "text of any kind": ("print('\\ud800 ä 漢')", "\\ud800 ä 漢"),
    "leaving": ("import sys\nprint('before')\nsys.exit()", "before"),
    "nothing": ("", ""),
}  # fmt: skip


@pytest.mark.parametrize("sandbox", present(), ids=lambda sandbox: sandbox.name)
def test_a_harmless_program_runs(sandbox: Sandbox) -> None:
    need(sandbox)

    async def each() -> dict[str, tuple[str, bool]]:
        found = {}
        for name, (code, _) in BENIGN.items():
            outcome = await run(sandbox, code, Limits())
            found[name] = (outcome.text, outcome.ok)
        return found

    wanted = {name: (text, True) for name, (_, text) in BENIGN.items()}
    found = anyio.run(each)
    assert found == wanted


def test_the_traps_tell_what_is_done_to_them() -> None:
    with Scene() as scene:
        names = scene.names
        assert list(scene.harm()) == []
        Path(names["OUTSIDE"], "new").write_text("x")
        Path(names["SECRET"]).write_text("x")
        os.utime(names["SHARED"], (1, 1))
        socket.create_connection(("127.0.0.1", names["TCP"])).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", ("127.0.0.1", names["UDP"]))
        with socket.socket(socket.AF_UNIX) as unix:
            unix.connect(names["ABSTRACT"])
        os.kill(names["VICTIM"], 9)
        anyio.run(anyio.sleep, 0.1)
        found = list(scene.harm())
    for words in (
        "file secret was",
        "was written",
        "TCP was",
        "UDP was",
        "ABSTRACT was",
        "was killed",
        f"{scene.words[:12]}-trap",
    ):
        assert any(words in harm for harm in found), words


def test_the_secret_gives_itself_away_where_nothing_confines() -> None:
    class Nothing:
        """The guard alone: it does not know which files are whose."""

        name = "nothing"

        def command(self, python: list[str], folder: str) -> list[str]:
            return [*python]

    read = next(attack for attack in ATTACKS if attack.name == "read a file outside")
    assert anyio.run(attempt, Nothing(), read).harm == ("the secret was read",)
