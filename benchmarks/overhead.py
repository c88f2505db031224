"""What a framework itself costs per step: scrimp beside four others, in one run, on the same scripted dialogue.

    python benchmarks/overhead.py [--quick] [--peers scrimp,smolagents] [--json] [--envs FOLDER]

Each framework has a virtual environment of its own, made on the first run (needs pip and a package index). Its model
is a script that answers at once: N rounds, each asking for one of three trivial tools in turn, then the answer. One
step is one model turn with its tool call; its time is that of a whole run divided by N, after a run that is not
counted. Imports and set-up are not counted. In every round each framework runs in turn, so that what slows the machine
slows them all. Every run is checked: all calls were made, and all results reached the model.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overhead.environments import FRAMEWORKS, Framework, Unavailable, packages, ready
from overhead.figures import US, Figure, Samples, figure
from overhead.players import Player

STEPS = (10, 50)
OWN = "scrimp"


def main() -> int:
    options = parse()
    chosen = choose(options.peers)
    folder = options.envs or Path(os.environ.get("SCRIMP_HOME") or Path.home() / ".scrimp") / "bench-envs"
    players, failures, installed = [], {}, {}
    for framework in chosen:
        try:
            python = ready(framework, folder)
            installed[framework.name] = packages(python)
        except Unavailable as error:
            failures.update(dict.fromkeys(framework.variants.values(), str(error)))
            continue
        for variant, label in framework.variants.items():
            try:
                players.append(Player(framework, variant, python))
            except Unavailable as error:
                failures[label] = str(error)
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        samples = measure(players, options, failures)
    finally:
        for player in players:
            player.close()
    result = {
        "machine": machine(), "load_before": round(load, 2), "seconds": round(time.monotonic() - began),
        "date": time.strftime("%Y-%m-%d"), "rounds": options.rounds, "repetitions_per_round": options.repetitions,
        "rows": list(rows(samples, players, failures, chosen)), "packages": installed,
    }  # fmt: skip
    print(json.dumps(result, indent=1) if options.json else table(result))
    return 0 if samples else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Microseconds per step of scrimp and of four other frameworks.")
    parser.add_argument("--peers", default="", help=f"some of {','.join(item.name for item in FRAMEWORKS)}")
    parser.add_argument("--envs", type=Path, help="where environments are kept (default: SCRIMP_HOME/bench-envs)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds in which every framework runs once in turn")
    parser.add_argument("--repetitions", type=int, default=3, help="counted runs per round, after one that is not")
    parser.add_argument("--quick", action="store_true", help="two rounds: to see that it works")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 2
    if min(options.rounds, options.repetitions) < 1:
        parser.error("--rounds and --repetitions must be 1 or more")
    return options


def choose(names: str) -> list[Framework]:
    """The frameworks that were asked for."""
    known = {item.name: item for item in FRAMEWORKS}
    asked = [name.strip() for name in names.split(",") if name.strip()] or list(known)
    for name in asked:
        if name not in known:
            print(f"overhead.py: no framework is called {name!r}; known: {', '.join(known)}", file=sys.stderr)
            raise SystemExit(2)
    return [known[name] for name in dict.fromkeys(asked)]


def measure(players: list[Player], options: argparse.Namespace, failures: dict[str, str]) -> Samples:
    """Run everybody in turn, beginning with another one each round; who fails is left out from then on."""
    samples: Samples = {player.label: {steps: [] for steps in STEPS} for player in players}
    alive, run = list(players), 0
    for number in range(options.rounds):
        for steps in STEPS:
            for player in alive[number % max(1, len(alive)) :] + alive[: number % max(1, len(alive))]:
                seconds = []
                try:
                    for _ in range(options.repetitions + 1):
                        run += 1
                        seconds.append(player.run(steps, run))
                except Unavailable as error:
                    failures[player.label] = str(error)
                    alive.remove(player)
                    del samples[player.label]
                    continue
                samples[player.label][steps].append([second / steps * US for second in seconds[1:]])
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return samples


def rows(
    samples: Samples, players: list[Player], failures: dict[str, str], chosen: list[Framework]
) -> Iterator[dict[str, Any]]:
    """One row per variant, also for those that could not be measured."""
    measured = {player.label: player for player in players}
    peers = [label for label in samples if measured[label].framework.name != OWN]
    for framework in chosen:
        for label in framework.variants.values():
            row: dict[str, Any] = {"framework": framework.name, "row": label, "per_step": framework.per_step}
            if label in failures:
                yield row | {"failed": failures[label]}
                continue
            found: dict[str, Figure] = {str(n): figure(samples, label, n, peers, n) for n in STEPS}
            yield row | {
                "versions": measured[label].versions,
                "steps": {steps: item.to_json() for steps, item in found.items()},
            }


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    heads = [f"{n} steps: µs per step (min-max)" for n in STEPS] + [f"ratio at {n} (95 %)" for n in STEPS]
    lines = [f"| | {' | '.join(heads)} |", "| --- |" + " --- |" * len(heads)]
    for row in result["rows"]:
        if "failed" in row:
            lines.append(f"| {row['row']} | not measured: {row['failed']} |" + " |" * (len(heads) - 1))
            continue
        cells = [row["steps"][str(n)] for n in STEPS]
        times = [f"{cell['median_us']:,.0f} ({cell['min_us']:,.0f}-{cell['max_us']:,.0f})" for cell in cells]
        lines.append(f"| {row['row']} | {' | '.join(times + [ratio(cell) for cell in cells])} |")
    versions = {name: version for row in result["rows"] for name, version in row.get("versions", {}).items()}
    repetitions = result["rounds"] * result["repetitions_per_round"]
    return "\n".join([
        *lines, "",
        f"Medians of {repetitions} runs in {result['rounds']} rounds; {result['machine']}; {result['date']}; "
        f"load before {result['load_before']}; {result['seconds']} s.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
    ])  # fmt: skip


def ratio(cell: dict[str, Any]) -> str:
    if cell["ratio"] is None:
        return ""
    if cell["ratio_interval"] is None:
        return f"{cell['ratio']:.2f}"
    return f"{cell['ratio']:.2f} ({cell['ratio_interval'][0]:.2f}-{cell['ratio_interval'][1]:.2f})"


if __name__ == "__main__":
    raise SystemExit(main())
