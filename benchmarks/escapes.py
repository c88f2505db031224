"""Every attack of the escape suite on every sandbox of this machine: what stopped it, and what it harmed.

    python benchmarks/escapes.py [--sandbox NAME] [--outer-alone] [--json]

Attacks and traps are `scrimp.testing.escapes`. An attack is stopped where no trap was touched and the observation
names the reason. `--outer-alone` takes the inner wall out, and leaves out attacks that could then hurt this machine.
Exit code 1 where one was not stopped. Linux; a sandbox that is not installed is left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from typing import Any

import anyio

from scrimp.core.errors import InputError
from scrimp.testing.escapes import ATTACKS, Attack, Attempt, attempt
from scrimp.tools.sandbox import runner
from scrimp.tools.sandbox.backends import BACKENDS
from scrimp.tools.sandbox.limits import Limits, Sandbox
from scrimp.tools.sandbox.runner import run
from scrimp.tools.sandbox.trial import fault

STARTS = 10
BOMBS = (
    "a fork bomb", "a daemon that stays", "fork by its number", "fork by the numbers of another machine",
    "kill everybody",
)  # fmt: skip
"""Not tried without the guard."""
UNGUARDED = "\ndef guard(*_):\n    pass\n\n\ndef main() -> None:"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandbox", choices=[sandbox.name for sandbox in BACKENDS], help="this one alone")
    parser.add_argument("--outer-alone", action="store_true", help="without the guard")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    attacks = list(ATTACKS)
    if asked.outer_alone:
        attacks = [attack for attack in ATTACKS if attack.kind != "amounts" and attack.name not in BOMBS]
        python = runner._python()
        source = python.index("-c") + 1
        python[source] = python[source].replace("\ndef main() -> None:", UNGUARDED)
        runner._python = lambda: python
    chosen = [sandbox for sandbox in BACKENDS if asked.sandbox in (None, sandbox.name)]
    columns = {sandbox.name: anyio.run(measure, sandbox, attacks) for sandbox in chosen}
    if asked.json:
        print(json.dumps({"machine": platform.platform(), "sandboxes": columns}, indent=1))
    else:
        show(columns)
    return any(row["harm"] or not row["told"] for column in columns.values() for row in column["attacks"])


async def measure(sandbox: Sandbox, attacks: Sequence[Attack]) -> dict[str, Any]:
    """What every attack came to in one sandbox, and what starting it takes."""
    try:
        sandbox.command([], "")
    except InputError as missing:
        return {"missing": str(missing), "attacks": []}
    why, rows = await fault(sandbox), []
    for attack in attacks:
        rows.append(row(await attempt(sandbox, attack)))
    starts = []
    for _ in range(STARTS):
        began = anyio.current_time()
        await run(sandbox, "1", Limits())
        starts.append(anyio.current_time() - began)
    return {"self_test": why or "holds", "start_seconds": statistics.median(starts), "attacks": rows}


def row(tried: Attempt) -> dict[str, Any]:
    """One attack: its reason as the program's last line tells it, and what it harmed."""
    told = re.search(tried.attack.reason, tried.outcome.text) is not None
    last = (tried.outcome.text.splitlines() or [""])[-1]
    return {
        "kind": tried.attack.kind,
        "attack": tried.attack.name,
        "told": told,
        "observation": re.sub(r"'[^']*/[^']*'|\d{4,}", "…", last)[:90],
        "harm": list(tried.harm),
        "seconds": round(tried.seconds, 2),
    }


def show(columns: dict[str, dict[str, Any]]) -> None:
    present = {name: column for name, column in columns.items() if column["attacks"]}
    for name, column in columns.items():
        print(f"{name}: {column.get('missing') or summary(column)}")
    print("\n| aim | attack | " + " | ".join(f"{name}: what the program is told" for name in present) + " |")
    print("| --- | --- | " + " | ".join("---" for _ in present) + " |")
    for rows in zip(*(column["attacks"] for column in present.values()), strict=True):
        cells = [
            f"**{'; '.join(one['harm']) or 'no reason told'}**" if bad(one) else one["observation"] for one in rows
        ]
        print(f"| {rows[0]['kind']} | {rows[0]['attack']} | " + " | ".join(cells) + " |")


def bad(one: dict[str, Any]) -> bool:
    return bool(one["harm"]) or not one["told"]


def summary(column: dict[str, Any]) -> str:
    rows = column["attacks"]
    harmless, told = sum(not one["harm"] for one in rows), sum(one["told"] for one in rows)
    return (
        f"{harmless} of {len(rows)} attacks harmed nothing, {told} were told why; self-test: {column['self_test']}; "
        f"an empty program takes {column['start_seconds']:.2f} s (median of {STARTS})"
    )


if __name__ == "__main__":
    sys.exit(main())
