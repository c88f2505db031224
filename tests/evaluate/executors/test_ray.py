"""Trials on a cluster: the same results as here; a worker and a node may die, and nothing is lost or paid twice."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from scrimp.core.budget import Budget
from scrimp.evaluate.experiment import Experiment, Progress, run
from scrimp.evaluate.systems import named
from scrimp.journal.journal import Journal
from scrimp.testing.billing.client import BillingServer

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("ray"),
              pytest.mark.filterwarnings("ignore")]  # fmt: skip

SYSTEMS = (named("baseline"), named("efficient"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SCRIMP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    yield tmp_path / "home"
    ray.shutdown()


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A model that takes its time, so that there is something to kill."""
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"answers": ["The answer is 42."], "repeat": True, "latency": 0.15}), encoding="utf-8")
    return f"scripted:{file}"


def experiment(out: Path, model: str, executor: str, n: int = 10, **more: Any) -> Experiment:
    return Experiment(SYSTEMS, "toolworld?tools=16", model=model, n=n, out=out, executor=executor, workers=2, **more)


def fingerprint(document: dict[str, Any], out: Path) -> tuple[Any, ...]:
    rows = [(row["name"], row["n"], row["effectiveness"], row["cost"]["amount"], row["tokens"])
            for row in document["systems"]]  # fmt: skip
    return rows, document["journal"]["hash"]


def places(out: Path) -> list[str]:
    return [json.loads(line)["place"] for line in (out / "trials.jsonl").read_text("utf-8").splitlines()]


def at(done: int, what: Any) -> Any:
    """Do something once, when so many trials are done."""
    left = [what]

    def watch(progress: Progress) -> None:
        if progress.done >= done and left:
            left.pop()()

    return watch


def kill_a_worker() -> None:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith(b"ray::work"):
                os.kill(int(process.name), signal.SIGKILL)
                return
    raise AssertionError("no worker is at work")


def test_the_same_results_as_in_one_process(script: str, tmp_path: Path) -> None:
    here = anyio.run(run, experiment(tmp_path / "here", script, "local", n=4))
    there = anyio.run(run, experiment(tmp_path / "there", script, "ray", n=4))
    assert fingerprint(there, tmp_path / "there") == fingerprint(here, tmp_path / "here")


def test_one_budget_holds_over_all_workers(script: str, tmp_path: Path) -> None:
    whole = anyio.run(run, experiment(tmp_path / "whole", script, "local", n=4))
    cost = sum(Decimal(row["cost"]["amount"]) for row in whole["systems"])
    found = anyio.run(run, experiment(tmp_path / "out", script, "ray", n=4, budget=Budget(usd=str(cost / 2))))
    assert found["stopped"]
    assert 0 < sum(Decimal(row["cost"]["amount"]) for row in found["systems"]) <= cost / 2


def test_a_worker_that_is_killed_costs_what_was_in_flight_and_no_more(tmp_path: Path) -> None:
    """Against a server in a process of its own that bills every byte it sends."""
    with BillingServer() as server:
        model = f"{server.url}/v1#m"
        systems = tuple(system.with_(max_output=40) for system in SYSTEMS)
        given = Experiment(systems, "toolworld?tools=16", model=model, n=12, out=tmp_path / "out", executor="ray",
                           workers=2)  # fmt: skip
        document = anyio.run(run, given, at(6, kill_a_worker))
        bill = server.bill()
    journal = Journal(tmp_path / "out" / "journal.sqlite")
    events = [event for record in journal.runs(limit=99) for event in journal.events(record.id)]
    journal.close()
    sent = [event for event in events if event.kind == "model"]
    cut = [event for event in sent if event.status == "cut"]
    assert len(places(tmp_path / "out")) == len(set(places(tmp_path / "out"))) == 24
    assert not document["stopped"]
    assert len(cut) <= 2  # what the killed worker had in flight
    assert len(bill.requests) <= len(sent)  # no committed call was sent again
    assert len(sent) - len(cut) <= len(bill.requests)
    billed = sum(event.usage.total for event in sent)
    assert bill.total <= billed
    assert bill.total == billed - sum(event.usage.total for event in cut) or cut


def test_a_node_dies_and_nothing_is_lost_or_paid_twice(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.cluster_utils import Cluster

    straight = anyio.run(run, experiment(tmp_path / "straight", script, "local"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=2)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    try:
        killing = at(5, lambda: cluster.remove_node(node, allow_graceful=False))
        document = anyio.run(run, experiment(tmp_path / "out", script, "ray"), killing)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert [row["effectiveness"] for row in document["systems"]] == [
        row["effectiveness"] for row in straight["systems"]
    ]
    assert sorted(places(tmp_path / "out")) == sorted(places(tmp_path / "straight"))
    journal = Journal(tmp_path / "out" / "journal.sqlite")
    events = [event for record in journal.runs(limit=99) for event in journal.events(record.id)]
    assert len(journal.runs(limit=99)) == 20  # a run that was begun is gone on with, and not begun anew
    journal.close()
    cut = [event for event in events if event.status == "cut"]
    again = [event for event in events if event.attempt > 1 and event.retry == "transport"]
    assert len(again) == len(cut) <= 3  # only what was in flight is sent again
    spent = sum(Decimal(row["cost"]["amount"]) for row in document["systems"])
    lost = sum((event.money.amount or Decimal(0) for event in cut), Decimal(0))
    assert spent - lost == sum(Decimal(row["cost"]["amount"]) for row in straight["systems"])
