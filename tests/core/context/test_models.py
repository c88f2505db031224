"""The doors to models and embedders: what a call is charged, whatever happens to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import numpy as np
import pytest

from scrimp.core.context import Settings
from scrimp.core.context.models import pack, unpack
from scrimp.core.errors import BudgetExceeded, DoorClosed, InputError, ModelFailed, UnknownPrice
from scrimp.core.messages import Delta, Request, Response, assistant, user
from scrimp.core.money import PriceList, Rates
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.testing import PRICES, Bench, ScriptedModel

ASK = Prompt("ask", 1, "Answer.")
HELLO = (user("Hello, 世界"),)


class Raw:
    """A model that streams exactly what it is given; a failure is raised, a number slept, None hangs."""

    name = "raw"
    capabilities = Capabilities(local=True)

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces
        self.requests: list[Request] = []

    def bound(self, request: Request) -> Usage:
        return Usage(input=100, output=request.max_output or 1000)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.requests.append(request)
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                await anyio.sleep_forever()
            yield piece


END = Delta(finish="stop", usage=Usage(input=40, cached_input=10, output=5))
WORST = Decimal("0.001149")
"""All of 100 input tokens at the dearest input rate (1.25), 256 output tokens at 4 dollars a million."""


def run(bench: Bench, **options: Any) -> Response:
    return anyio.run(partial(bench.ctx.complete, HELLO, prompt=ASK, **options))


def test_a_call_is_an_event_with_its_costs() -> None:
    bench = Bench(Raw(Delta("Hi"), Delta(" there"), END))
    response = run(bench)
    assert (response.text, response.finish) == ("Hi there", "stop")
    (event,) = bench.events
    assert (event.kind, event.component, event.name, event.prompt) == ("model", "planning", "raw", "ask@1")
    assert (event.attempt, event.retry, event.status, event.phase, event.parent) == (1, "", "ok", "", "")
    assert (event.key.span, event.key.door, event.key.ordinal) == ("/", "complete", 0)
    assert event.usage == Usage(input=40, cached_input=10, output=5)
    assert (event.money.amount, event.money.state) == (Decimal("0.000061"), "priced")
    assert event.money.prices == "reference:test-prices"
    worst, amounts = bench.witness.reservations[0]
    assert worst.id == event.id
    assert amounts == {"model_calls": 1, "tokens": 356, "usd": Decimal("0.001149")}
    _, request, answer = bench.witness.events[0]
    assert request.hash == event.request_hash
    assert Response.from_json(answer) == response


def test_what_the_provider_says_it_cost_is_metered() -> None:
    bench = Bench(Raw(Delta("x", finish="stop", usage=Usage(10, output=1), reported_cost="0.0123")))
    run(bench)
    assert bench.events[0].money.to_json() == {"amount": "0.0123", "currency": "USD", "state": "metered"}


def test_settings_and_options_shape_the_request() -> None:
    model = Raw(END)
    bench = Bench(model, settings=Settings(max_output=99, temperature=0.5, seed=3, effort="low", parallel_calls=False))
    run(bench, max_output=7, stop=("x",))
    (sent,) = model.requests
    assert (sent.max_output, sent.temperature, sent.seed, sent.effort, sent.parallel_calls) == (7, 0.5, 3, "low", False)
    assert (sent.stop, sent.prompt, sent.schema) == (("x",), "ask@1", None)


def test_a_stream_is_charged_like_a_whole_answer() -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a"), Delta("b"), END))
        assert [delta.text async for delta in bench.ctx.stream(HELLO, prompt=ASK)] == ["a", "b", ""]
        assert bench.ledger.total.cost.amount == Decimal("0.000061")
        assert bench.events[0].status == "ok"

    anyio.run(main)


def test_a_stream_that_is_left_is_charged_its_reservation() -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a"), None), budget={"tokens": 1000})
        async with aclosing(bench.ctx.stream(HELLO, prompt=ASK)) as stream:  # type: ignore[type-var]
            async for _ in stream:
                break
        (event,) = bench.events
        assert (event.status, event.usage, event.money.amount) == ("cut", Usage(input=100, output=256), WORST)
        assert bench.account.spent == {"tokens": 356}
        assert not bench.open_calls()

    anyio.run(main)


def test_a_stream_that_is_left_after_its_usage_is_charged_that() -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a", usage=Usage(50, output=2)), Delta("b"), END))
        async with aclosing(bench.ctx.stream(HELLO, prompt=ASK)) as stream:  # type: ignore[type-var]
            async for _ in stream:
                break
        assert bench.ledger.total.tokens == Usage(50, output=2)

    anyio.run(main)


@pytest.mark.parametrize("held", [False, True], ids=["dropped", "held"])
def test_a_stream_that_is_forgotten_is_counted_at_the_end_of_the_run(held: bool) -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a"), None), budget={"tokens": 1000})
        stream = bench.ctx.stream(HELLO, prompt=ASK)
        assert (await anext(stream)).text == "a"
        if not held:
            del stream
        with anyio.fail_after(2):
            await bench.run.wind_up()
        assert bench.ledger.total.tokens.total == 356
        assert not bench.open_calls()

    anyio.run(main)


@pytest.mark.parametrize(
    ("failure", "pieces", "tokens", "status"),
    [
        (ModelFailed("refused", status=429, retryable=True), (), 0, "error"),
        (ModelFailed("no route", sent=False), (), 0, "error"),
        (ModelFailed("lost the connection"), (), 356, "cut"),
        (ModelFailed("lost the connection"), (Delta("half"),), 356, "cut"),
        (ModelFailed("overloaded", status=529), (Delta("half"),), 356, "cut"),
        (ModelFailed("lost at the end"), (Delta("all", usage=Usage(40, output=5)),), 45, "ok"),
    ],
    ids=["refused", "not sent", "lost", "lost half-way", "failed half-way", "lost after its usage"],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_failed_call_costs(
    failure: ModelFailed, pieces: tuple[Delta, ...], tokens: int, status: str, streamed: bool
) -> None:
    async def main() -> None:
        bench = Bench(Raw(*pieces, failure), budget={"tokens": 1000, "model_calls": 5})

        async def ask() -> None:
            if not streamed:
                await bench.ctx.complete(HELLO, prompt=ASK)
            async for _ in bench.ctx.stream(HELLO, prompt=ASK):
                pass

        with pytest.raises(ModelFailed, match=failure.message):
            await ask()
        assert (bench.ledger.total.tokens.total, bench.events[0].status) == (tokens, status)
        assert bench.account.spent == {"tokens": tokens, "model_calls": 1}
        assert not bench.open_calls()

    anyio.run(main)


def test_a_cancelled_call_is_charged_its_reservation() -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a"), None), budget={"tokens": 1000})
        with anyio.move_on_after(0.02):
            await bench.ctx.complete(HELLO, prompt=ASK)
        assert bench.account.balance()["tokens"] == {"limit": 1000, "spent": 356, "reserved": 0, "kept": 0}
        assert bench.events[0].status == "cut"

    anyio.run(main)


def test_the_output_cap_is_what_the_budget_bears() -> None:
    model = Raw(END)
    run(Bench(model, budget={"tokens": 180}), max_output=500)
    assert model.requests[0].max_output == 80
    dollars = Raw(END)
    run(Bench(dollars, budget={"usd": "0.000225"}), max_output=500)
    assert dollars.requests[0].max_output == 25  # 100 tokens in at 1.25, the rest at 4 dollars a million


def test_a_call_that_does_not_fit_is_not_sent_and_written_down() -> None:
    model = Raw(END)
    bench = Bench(model, budget={"tokens": 110})
    with pytest.raises(BudgetExceeded) as caught:
        run(bench)
    assert (caught.value.key, caught.value.needed) == ("tokens", 116)
    assert not model.requests
    (event,) = bench.events
    assert (event.kind, event.status, bench.ledger.total.calls) == ("decision", "error", 0)


def test_a_larger_request_than_allowed_is_refused_and_written_down() -> None:
    model = Raw(END)
    bench = Bench(model, budget={"request_tokens": 99})
    with pytest.raises(BudgetExceeded, match="request_tokens=99"):
        run(bench)
    assert not model.requests
    assert [event.kind for event in bench.events] == ["decision"]
    run(Bench(model, budget={"request_tokens": 100}))


NO_PRICES = PriceList("none", "2026")


def test_a_money_limit_needs_every_price_before_the_first_call() -> None:
    model = Raw(END)
    with pytest.raises(UnknownPrice, match="'raw'"):
        run(Bench(model, prices=NO_PRICES, budget={"usd": 1}))
    assert not model.requests
    bench = Bench(prices=NO_PRICES, budget={"usd": 1})
    with pytest.raises(UnknownPrice, match="embedder 'words'"):
        anyio.run(bench.ctx.embed, ["x"])
    assert not bench.events


def test_without_a_money_limit_an_unknown_price_stays_unknown() -> None:
    bench = Bench(Raw(END), prices=NO_PRICES, budget={"tokens": 1000})
    run(bench)
    assert bench.ledger.total.cost.state == "unknown"


def test_prices_by_model_and_by_role() -> None:
    dear = ScriptedModel(["x"], name="dear")
    bench = Bench({"main": ScriptedModel(["x"], repeat=True), "judge": dear})
    run(bench, model="judge")
    run(bench, model="nobody")
    one, other = bench.events
    assert (one.name, one.money.prices) == ("dear", "test-prices")
    assert (other.name, other.money.prices) == ("scripted", "reference:test-prices")
    assert one.money.least == 10 * other.money.least


def test_attempts_after_the_first_name_their_kind() -> None:
    bench = Bench(Raw(END))
    for retry in ("", "again"):
        with pytest.raises(InputError, match="needs its kind"):
            run(bench, attempt=2, retry=retry)
    run(bench, attempt=2, retry="repair", component="answer")
    assert bench.ledger.retries["repair"].calls == 1
    assert bench.ledger.components["answer"].calls == 1
    assert bench.ledger.terms["generation"].calls == 0


def test_calls_are_numbered_in_one_sequence_whatever_they_account_to() -> None:
    bench = Bench(Raw(END))
    run(bench)
    run(bench, component="answer")
    run(bench)
    assert [event.key.ordinal for event in bench.events] == [0, 1, 2]


class Halve:
    """A context policy that keeps the last message, and asks a model about the others."""

    limits: list[int]

    def __init__(self) -> None:
        self.limits = []

    async def fit(self, request: Request, limit: int, ctx: Any) -> Request:
        self.limits.append(limit)
        await ctx.complete(request.messages[:1], prompt=Prompt("sum", 1, ""))
        return request.with_(messages=request.messages[-1:])


class Shout:
    """A Transform that spends tokens."""

    def apply(self, request: Request) -> Request:
        return request.with_(messages=(*request.messages, user("!")))

    def cost(self, request: Request) -> Usage:
        return Usage(input=1)


def test_transforms_and_the_policy_shape_every_request_but_the_policys_own() -> None:
    model, policy = ScriptedModel(["short", "done"]), Halve()
    bench = Bench(model, policy=policy, transforms=(Shout(),), budget={"request_tokens": 5000})
    assert run(bench).text == "done"
    inner, outer = bench.events
    assert (inner.component, inner.prompt, inner.key.span) == ("memory", "sum@1", "/0")
    assert (outer.component, outer.prompt, outer.key.span) == ("planning", "ask@1", "/")
    assert [message.text for message in model.requests[1].messages] == ["!"]
    assert policy.limits == [5000]


def test_a_policy_is_told_the_window_less_the_answer() -> None:
    policy = Halve()
    run(Bench(ScriptedModel(["x"], repeat=True), policy=policy))
    assert policy.limits == [131072 - 256]


def test_the_deadline_cancels_a_call() -> None:
    async def main() -> None:
        bench = Bench(Raw(Delta("a"), None), budget={"seconds": "0.05"})
        with anyio.fail_after(2), pytest.raises(BudgetExceeded, match="seconds"):
            await bench.ctx.complete(HELLO, prompt=ASK)
        assert bench.events[0].status == "cut"
        assert bench.ledger.total.tokens.total == 356

    anyio.run(main)


def test_past_the_deadline_nothing_is_sent() -> None:
    model = Raw(END)
    bench = Bench(model, budget={"seconds": 5})
    bench.clock.advance(5)
    with pytest.raises(BudgetExceeded, match="seconds"):
        run(bench)
    assert not model.requests
    assert bench.ctx.remaining()["seconds"] == 0


# -- embeddings ------------------------------------------------------------------------------------


def test_embeddings_are_tokens_with_a_price() -> None:
    async def main() -> None:
        bench = Bench(budget={"tokens": 1000})
        vectors = await bench.ctx.embed(["rain in Oslo", "奥斯陆下雨"])
        assert vectors.shape == (2, 64)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
        (event,) = bench.events
        assert (event.kind, event.name, event.usage.output) == ("embed", "words", 0)
        assert event.money.amount == (PRICES.reference_embedding or Rates(*[Decimal(0)] * 4)).price(event.usage)
        assert bench.account.spent == {"tokens": event.usage.input}

    anyio.run(main)


def test_nothing_to_embed_and_nobody_to_do_it() -> None:
    with pytest.raises(InputError, match="no text"):
        anyio.run(Bench().ctx.embed, [])
    with pytest.raises(DoorClosed, match=r"ctx\.embed"):
        anyio.run(Bench(embedder=None).ctx.embed, ["x"])


def test_vectors_survive_the_journal() -> None:
    vectors = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    again = unpack(pack(vectors))
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, vectors)


def test_a_model_that_says_nothing_at_all_is_charged_its_worst() -> None:
    bench = Bench(Raw())
    response = run(bench)
    assert (response.message, response.usage, response.finish) == (assistant(), None, "cut")
    assert bench.events[0].usage == Usage(input=100, output=256) != NO_USAGE
