"""The public doubles: what a stranger's test is made of."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import anyio
import pytest

import scrimp.testing
from scrimp.core.events import Event, Key, ListSink
from scrimp.core.messages import user
from scrimp.core.prompt import Prompt
from scrimp.core.task import Task
from scrimp.core.usage import Usage
from scrimp.planning.methods.react import ReAct
from scrimp.testing import PRICES, Bench, FakeClock, ReplayedModel, ScriptedModel, Witness, WordEmbedder, context
from scrimp.testing.prices import RATES


def test_a_method_is_tested_in_three_lines() -> None:
    bench = Bench(ScriptedModel(["It is 4."]))
    answer = anyio.run(ReAct().solve, Task("1", "What is 2 + 2?"), bench.ctx)
    assert (answer.text, bench.ledger.total.calls, bench.open_calls()) == ("It is 4.", 1, [])


def test_a_bare_context() -> None:
    async def main() -> str:
        return (await context().complete([user("q")], prompt=Prompt("p", 1, ""))).text

    assert anyio.run(main) == "ok"


def test_every_name_is_there_and_no_other() -> None:
    assert all(getattr(scrimp.testing, name) is not None for name in scrimp.testing.__all__)
    assert set(scrimp.testing._WHERE) | {"conformance"} == set(scrimp.testing.__all__)
    assert ReplayedModel.__module__ == "scrimp.models.scripted"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        scrimp.testing.nothing  # noqa: B018


def test_looking_loads_nothing() -> None:
    script = "import sys, scrimp.testing; print([m for m in sys.modules if m.startswith(('numpy', 'scrimp.models'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_clock_stands_still_until_it_is_told() -> None:
    clock = FakeClock(1000.0)
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(2.5)
    anyio.run(clock.sleep, 0.5)
    assert (clock.now(), clock.monotonic()) == (1003.0, 3.0)
    with pytest.raises(ValueError, match="go back"):
        clock.advance(-1)


def test_prices_can_be_worked_out_in_the_head() -> None:
    usage = Usage(input=1_000_000, cached_input=1_000_000, cache_write=1_000_000, output=1_000_000)
    assert RATES.price(usage) == Decimal("6.35")
    assert PRICES.price("scripted", usage, local=True).amount == Decimal("6.35")
    assert PRICES.price("dear", usage).amount == Decimal("63.5")
    assert PRICES.price("hosted", usage).amount is None


def test_texts_that_share_words_are_near() -> None:
    async def main() -> None:
        vectors, usage = await WordEmbedder(256).embed(
            ["rain in Oslo", "Oslo rain", "奥斯陆天气", "天气预报", "", "!?"]
        )
        near = vectors @ vectors.T
        assert near[0, 1] > 0.8
        assert near[2, 3] > 0.2 > near[0, 3]
        assert abs(near.diagonal() - 1).max() < 1e-6
        assert usage.input > 0

    anyio.run(main)


def test_a_witness_sees_what_was_never_reserved() -> None:
    async def main() -> None:
        behind = ListSink()
        witness = Witness(behind)
        event = Event("1", Key("r", "/", "d", 0), "model", "planning", "m")
        await witness.commit(event, None, {})
        assert witness.faults == ["model m was committed without a reservation"]
        assert [row[0] for row in behind.events] == [event]
        await witness.reserve(event, {"tokens": 1})
        await witness.commit(event, None, {})
        assert len(witness.faults) == 1
        assert behind.reservations == [(event, {"tokens": 1})]

    anyio.run(main)
