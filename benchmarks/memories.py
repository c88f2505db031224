"""Memories without an agent: what they find, what they cost to build and to ask, what they lose, when they pay.

    python benchmarks/memories.py retrieval [--n QUESTIONS]    LoCoMo's dev part, real embedder, no model
    python benchmarks/memories.py break-even                   questions and minutes until a memory has paid
    python benchmarks/memories.py compression                  evidence in the recall by its size
    python benchmarks/memories.py upkeep                       planted facts that upkeep lost
    python benchmarks/memories.py latency                      seconds a reply waits against turns until a fact is known

All but `retrieval` run on dialogues of our own with an oracle as the clerk that writes for a memory: structure only
(EVIDENCE rule 6). `retrieval` reads $SCRIMP_DATA. Intervals are 95 % bootstraps over owners (whole conversations).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from scrimp.core.protocols import Query
from scrimp.core.records import Filter
from scrimp.core.registry import create
from scrimp.core.task import Episode, Task
from scrimp.evaluate.benchmarks.catalog import open_benchmark
from scrimp.evaluate.oracle import Oracle
from scrimp.models.tokens import estimate
from scrimp.testing import Bench, FakeClock

MODEL_FREE = (
    ("full-history", {}), ("recent-turns", {"turns": 10}), ("bm25-turns", {"k": 10}),
    ("flat", {"by": "words", "k": 10}), ("flat", {"by": "embedding", "k": 10}), ("flat", {"by": "both", "k": 10}),
)  # fmt: skip
BUILT = (
    ("bm25-turns", {}), ("flat", {}), ("rolling-summary", {}), ("memorybank", {}), ("mem0", {}),
    ("mem0", {"single_pass": True}), ("zep", {}), ("memorag", {}),
)  # fmt: skip
UPKEEP = (
    ("rule: MemoryBank's curve", "memorybank", {}, ()), ("rule, scale 20 days", "memorybank", {"scale": 20.0}, ()),
    ("model: Mem0's operations", "mem0", {}, ()), ("hybrid: Zep's ends of facts", "zep", {}, ("fact",)),
)  # fmt: skip
"""What keeps a memory current, and the kinds of records that its recall shows."""
LIMITS = (25, 50, 100, 200, 400, 800)
LIFETIME = 5.0
"""Minutes for which a provider keeps a prefix, usually."""
CALL_SECONDS = 2.0
"""Seconds that the clerk takes for a call, on a clock of the benchmark's own."""
Part = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Talk:
    """One owner's history and the questions about it."""

    owner: str
    history: tuple[Episode, ...]
    tasks: tuple[Task, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("retrieval", "break-even", "compression", "upkeep", "latency"))
    parser.add_argument("--n", type=int, default=0, help="questions at most of each conversation; 0 for all")
    given = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        "retrieval": lambda: anyio.run(retrieval, given.n),
        "break-even": lambda: anyio.run(break_even),
        "compression": lambda: anyio.run(compression),
        "upkeep": lambda: anyio.run(upkeep),
        "latency": lambda: anyio.run(latency),
    }
    parts[given.part]()
    return 0


# -- what is found ------------------------------------------------------------------------------------


async def retrieval(most: int) -> None:
    """Evidence recall and tokens of a recall on LoCoMo, for memories that ask no model."""
    from scrimp.journal.home import home
    from scrimp.models.embedders import open_embedder

    data = os.environ.get("SCRIMP_DATA")
    bench = open_benchmark("locomo", Path(data) if data else None)
    talks = list(talks_of(bench, "test", most))
    asked = sum(len(talk.tasks) for talk in talks)
    print(f"{asked} questions with evidence, {len(talks)} conversations, embedder multilingual\n")
    print("| memory | evidence recall [95 %] | all evidence found | tokens of a recall |")
    print("| --- | ---: | ---: | ---: |")
    for name, options in MODEL_FREE:
        shares: dict[str, list[float]] = {}
        tokens: list[int] = []
        for talk in talks:
            one = Bench(memory=create("memory", name, options), embedder=open_embedder("multilingual", home()))
            await built(one, talk)
            for task in talk.tasks:
                gold = set(bench.gold(task.id).labels["turns"].split())
                recalled = await one.ctx.recall(Query(task.query or task.text, talk.owner, 1_000_000))
                shares.setdefault(talk.owner, []).append(len(gold & set(recalled.sources)) / len(gold))
                tokens.append(estimate(recalled.text))
        every = [share for one in shares.values() for share in one]
        mean, low, high = interval(list(shares.values()))
        whole = sum(share == 1.0 for share in every) / len(every)
        print(f"| {label(name, options)} | {mean:.3f} [{low:.3f}, {high:.3f}] | {whole:.3f} | {np.mean(tokens):,.0f} |",
              flush=True)  # fmt: skip


# -- when it pays -------------------------------------------------------------------------------------


async def break_even() -> None:
    """Cost of a build and of a question, and the questions after which full history would have cost more."""
    bench = open_benchmark("dialogues")
    talks = list(talks_of(bench, "test", 0))
    print("| memory | build | a question | full history: fresh | cached | pays after, fresh | pays after, cached |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, options in BUILT:
        rows = []
        for talk in talks:
            one = Bench(Oracle.parse("oracle", bench), memory=create("memory", name, options))
            await built(one, talk)
            rates = one.means.prices.rates("oracle", local=True)
            assert rates is not None
            build = float(one.ledger.total.cost.least) * 1e6
            shown = 0
            for task in talk.tasks:
                recalled = await one.ctx.recall(Query(task.query or task.text, talk.owner, recall_limit(one)))
                shown += estimate(recalled.text)
            read = float(one.ledger.total.cost.least) * 1e6 - build
            whole = sum(estimate(episode.text) for episode in talk.history)
            each = (read + shown * float(rates.input)) / len(talk.tasks)
            rows.append((build, each, whole * float(rates.input), whole * float(rates.cached_input)))
        build, each, fresh, cached = np.mean(rows, axis=0)
        print(f"| {label(name, options)} | {build:,.0f} | {each:,.1f} | {fresh:,.1f} | {cached:,.1f} | "
              f"{pays(build, each, fresh)} | {pays(build, each, cached)} |", flush=True)  # fmt: skip
    print(f"\nMicrodollars at the reference price, means of {len(talks)} histories of "
          f"{np.mean([sum(estimate(e.text) for e in talk.history) for talk in talks]):,.0f} tokens. Questions more "
          f"than {LIFETIME:g} minutes apart find full history fresh, closer ones cached.")  # fmt: skip


def pays(build: float, each: float, other: float) -> str:
    """Questions after which the build is paid, or that it never is."""
    return f"{build / (other - each):,.0f} questions" if other > each else "never"


# -- what is lost -------------------------------------------------------------------------------------


async def compression() -> None:
    """Share of questions whose whole evidence stands in the recall, by the tokens that it may take."""
    bench = open_benchmark("dialogues")
    talks = list(talks_of(bench, "test", 0))
    print("| memory | " + " | ".join(f"{limit} tokens" for limit in LIMITS) + " |")
    print("| --- |" + " ---: |" * len(LIMITS))
    for name, options in (("recent-turns", {"turns": 100}), *BUILT):
        hits: dict[int, list[bool]] = {limit: [] for limit in LIMITS}
        for talk in talks:
            one = Bench(Oracle.parse("oracle", bench), memory=create("memory", name, options))
            await built(one, talk)
            for task in talk.tasks:
                for limit in LIMITS:
                    text = (await one.ctx.recall(Query(task.query or task.text, talk.owner, limit))).text
                    hits[limit].append(all(said in text for said in bench.gold(task.id).evidence))
        cells = " | ".join(f"{100 * np.mean(hits[limit]):.1f} %" for limit in LIMITS)
        print(f"| {label(name, options)} | {cells} |", flush=True)
    whole = np.mean([sum(estimate(episode.text) for episode in talk.history) for talk in talks])
    print(f"\n{sum(len(t.tasks) for t in talks)} questions; a history has {whole:,.0f} tokens.")


async def upkeep() -> None:
    """Planted facts that still hold and are no longer in the store after upkeep."""
    bench = open_benchmark("dialogues")
    talks = list(talks_of(bench, "test", 0))
    print("| upkeep | facts that still hold | wrongly gone [95 %] | superseded facts | still shown as current |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for title, name, options, kinds in UPKEEP:
        gone: dict[str, list[float]] = {}
        stale: list[bool] = []
        for talk in talks:
            one = Bench(Oracle.parse("oracle", bench), memory=create("memory", name, options))
            await built(one, talk, session=True)
            kept = [record.text for record in await one.ctx.store(talk.owner, name).scan(Filter(kinds=kinds))]
            for task in talk.tasks:
                kind, evidence = task.labels["kind"], bench.gold(task.id).evidence
                if kind in ("fact", "updated", "contradicted", "two_hop"):
                    missing = [not any(said in text for text in kept) for said in evidence]
                    gone.setdefault(talk.owner, []).extend(map(float, missing))
                elif kind == "before":
                    stale.append(any(evidence[0] in text for text in kept))
        mean, low, high = interval(list(gone.values()))
        count = sum(map(len, gone.values()))
        print(f"| {title} | {count} | {100 * mean:.1f} % [{100 * low:.1f}, {100 * high:.1f}] | {len(stale)} | "
              f"{100 * np.mean(stale):.1f} % |", flush=True)  # fmt: skip


async def latency() -> None:
    """What a reply waits for, against how long a new fact stays unknown: upkeep with each turn, or every few turns."""
    bench = open_benchmark("dialogues")
    talks = list(talks_of(bench, "dev", 0))
    print("| memory | upkeep | seconds a reply waits | seconds between replies | turns until a fact is known |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, options in (("flat", {}), ("mem0", {}), ("memorybank", {"forget": False})):
        for every in (1, 4, 12):
            waits, offline, unknown = [], [], []
            for talk in talks:
                clock = FakeClock()
                oracle = _Slow(Oracle.parse("oracle", bench), clock)
                one = Bench(oracle, memory=create("memory", name, options), clock=clock)
                planted = {s: set(bench.gold(t.id).labels["turns"].split()) for t in talk.tasks
                           for s in bench.gold(t.id).evidence}  # fmt: skip
                waiting: dict[str, int] = {}
                for place, episode in enumerate(talk.history):
                    before = clock.monotonic()
                    await one.ctx.remember(episode)
                    waits.append(clock.monotonic() - before)
                    before = clock.monotonic()
                    if place % every == every - 1:
                        await one.ctx.manage()
                    offline.append(clock.monotonic() - before)
                    waiting.update({said: place for said, turns in planted.items() if episode.source in turns})
                    for said, since in list(waiting.items()):
                        if said in (await one.ctx.recall(Query(said, talk.owner, 400))).text:
                            unknown.append(place - since)
                            del waiting[said]
            print(f"| {label(name, options)} | every {every} turns | {np.mean(waits):.2f} | {np.mean(offline):.2f} | "
                  f"{np.mean(unknown):.2f} |", flush=True)  # fmt: skip


class _Slow:
    """A model that takes CALL_SECONDS of the benchmark's clock for each call."""

    def __init__(self, model: Oracle, clock: FakeClock) -> None:
        self._model, self._clock = model, clock
        self.name, self.capabilities, self.bound = model.name, model.capabilities, model.bound

    async def stream(self, request: Any) -> Any:
        self._clock.advance(CALL_SECONDS)
        async for delta in self._model.stream(request):
            yield delta


# -- shared -------------------------------------------------------------------------------------------


def talks_of(bench: Any, split: str, most: int) -> Iterator[Talk]:
    """Histories with their questions; those that have no evidence are left out."""
    found: dict[str, list[Task]] = {}
    for task in bench.tasks(split):
        if bench.gold(task.id).labels.get("turns", "").strip():
            found.setdefault(task.owner, []).append(task)
    for owner, tasks in found.items():
        yield Talk(owner, tasks[0].history, tuple(islice(tasks, most or None)))


async def built(one: Bench, talk: Talk, *, session: bool = False) -> None:
    """Write a history; upkeep at its end, or after each session as well."""
    before = ""
    for episode in talk.history:
        now = episode.labels.get("session", "")
        if session and before and now != before:
            await one.ctx.manage()
        before = now
        await one.ctx.remember(episode)
    await one.ctx.manage()


def recall_limit(one: Bench) -> int:
    """Tokens of a recall: as the agent gives them."""
    return int(getattr(one.means.memory, "recall_tokens", 1000))


def interval(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval over groups."""
    draw = np.random.default_rng(0)
    sums, sizes = np.array([sum(g) for g in groups]), np.array([len(g) for g in groups])
    picks = draw.integers(0, len(groups), (2000, len(groups)))
    means = sums[picks].sum(1) / sizes[picks].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(sums.sum() / sizes.sum()), float(low), float(high)


def label(name: str, options: dict[str, Any]) -> str:
    """A memory with what differs from its defaults."""
    return name + "".join(f", {key}={value}" for key, value in options.items())


if __name__ == "__main__":
    raise SystemExit(main())
