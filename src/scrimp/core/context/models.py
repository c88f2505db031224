"""The doors to models and embedders: the claim of a call, the call, and what it came to."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio

from scrimp.core.budget import Amount, Claim
from scrimp.core.context.means import Settings, closed
from scrimp.core.context.passage import Passage, What, failure, raise_recorded
from scrimp.core.context.received import Received
from scrimp.core.errors import BudgetExceeded, InputError, ModelFailed, UnknownPrice
from scrimp.core.events import RETRIES, EventStatus
from scrimp.core.messages import Delta, Fold, Message, Request, Response, digest
from scrimp.core.money import Money
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Model, Vectors
from scrimp.core.tool import Tool
from scrimp.core.transform import apply_all
from scrimp.core.usage import Usage

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context

_CALL = {"model": "main", "component": None, "attempt": 1, "retry": "", "last": False}


async def complete(
    ctx: Context, messages: Sequence[Message], prompt: Prompt, tools: Sequence[Tool], options: dict[str, Any]
) -> Response:
    """The fold of the stream; sent again after a transport failure, as the System's retry policy has it."""
    passage, model, request = await _prepare(ctx, messages, prompt, tools, options)
    first = passage.attempt
    while True:
        try:
            return await _once(ctx, passage, model, request)
        except ModelFailed as failure:
            passage = await _next_attempt(ctx, passage, first, failure)


async def _once(ctx: Context, passage: Passage, model: Model, request: Request) -> Response:
    """One attempt."""
    async with passage:
        if passage.recorded is not None:
            raise_recorded(passage.recorded.response)
            return Response.from_json(passage.recorded.response)
        collected, received = Fold(), Received(passage.output)
        try:
            await ctx._run.in_time(_drain(model, _capped(request, passage), collected, received))
        except BaseException as error:  # cancelled, cut or failed: what came is counted, then it goes on up
            passage.answered = collected != Fold()
            if received.passed:
                _overrun(passage, received, error)
            elif collected.usage is not None:
                _settle(ctx, passage, model, collected.response())
            raise
        response = collected.response()
        _settle(ctx, passage, model, response)
        return response


async def stream(
    ctx: Context, messages: Sequence[Message], prompt: Prompt, tools: Sequence[Tool], options: dict[str, Any]
) -> AsyncGenerator[Delta, None]:
    """The stream itself; a recorded answer comes in one piece. Sent again only while nothing of it has come."""
    passage, model, request = await _prepare(ctx, messages, prompt, tools, options)
    first = passage.attempt
    while True:
        try:
            async with aclosing(_stream_once(ctx, passage, model, request)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        except ModelFailed as failure:
            if passage.answered:
                raise
            passage = await _next_attempt(ctx, passage, first, failure)


async def _stream_once(ctx: Context, passage: Passage, model: Model, request: Request) -> AsyncGenerator[Delta, None]:
    """One attempt."""
    async with passage:
        if passage.recorded is not None:
            raise_recorded(passage.recorded.response)
            yield _in_one_piece(Response.from_json(passage.recorded.response))
            return
        collected, received = Fold(), Received(passage.output)
        ended = False
        try:
            async with aclosing(_generator(model, _capped(request, passage))) as deltas:
                while (delta := await ctx._run.in_time(anext(deltas, None))) is not None:
                    collected.add(delta)
                    passage.answered = True
                    _keep_within(model, received, delta)
                    yield delta
            ended = True
        finally:
            # Also reached when the caller leaves early: the final usage may have arrived or not.
            if received.passed and not ended:
                _overrun(passage, received, sys.exc_info()[1])
            elif ended or collected.usage is not None:
                _settle(ctx, passage, model, collected.response())


def _in_one_piece(whole: Response) -> Delta:
    return Delta(
        whole.text, whole.tool_calls, whole.logprobs, whole.finish, whole.usage, whole.reported_cost, whole.replayed
    )


async def _next_attempt(ctx: Context, passage: Passage, first: int, failure: ModelFailed) -> Passage:
    """The passage of the next attempt, after its pause; `failure` is raised where there is to be none.

    A replay makes the attempts that were recorded, and no other. A resumed run goes on where it stopped: what was
    recorded counts as sent.
    """
    run, retry = ctx._run, ctx._means.settings.retry
    recording = run.recording
    if recording is not None and recording.find(passage.key, passage.attempt + 1) is not None:
        return passage.again()
    if recording is not None and recording.strict:
        raise failure
    pause = retry.pause(failure, passage.attempt - first + 1, f"{run.id}:{passage.key}:{passage.attempt}")
    if pause is None or (run.deadline is not None and run.clock.monotonic() + pause >= run.deadline):
        raise failure
    await getattr(run.clock, "sleep", anyio.sleep)(pause)
    return passage.again()


async def _generator(model: Model, request: Request) -> AsyncGenerator[Delta, None]:
    """The model's stream as a generator, so that it can be closed whatever it is."""
    async for delta in model.stream(request):
        yield delta


async def _drain(model: Model, request: Request, into: Fold, received: Received) -> None:
    async with aclosing(_generator(model, request)) as deltas:
        async for delta in deltas:
            into.add(delta)
            _keep_within(model, received, delta)


def _keep_within(model: Model, received: Received, delta: Delta) -> None:
    """Count a piece of an answer.

    Raises:
        ModelFailed: it goes on after its cap. An answer that ends and states its usage is taken, however long it is.
    """
    received.add(delta)
    if received.passed and delta.usage is None and delta.finish is None:
        raise ModelFailed(
            f"{model.name} wrote on after its cap of {received.cap} tokens and was cut off",
            remedy="its server ignores the output cap, so no budget can hold there",
        )


def _overrun(passage: Passage, received: Received, error: BaseException | None) -> None:
    """Charge an answer that went on after its cap: what came, not only what was reserved."""
    usage, money = passage.worst(received.most)
    spent: dict[str, Amount] = {"model_calls": 1, "tokens": usage.total, "usd": money.least}
    passage.done(failure(error), usage=usage, money=money, spent=spent, status="cut")


async def _prepare(
    ctx: Context, messages: Sequence[Message], prompt: Prompt, tools: Sequence[Tool], options: dict[str, Any]
) -> tuple[Passage, Model, Request]:
    """Build the request, let the System's transforms and context policy shape it, and number the call."""
    call = {key: options.pop(key, default) for key, default in _CALL.items()}
    if call["attempt"] > 1 and call["retry"] not in RETRIES:
        raise InputError("an attempt after the first needs its kind", remedy="retry=transport|repair|replan|restart")
    means, run = ctx._means, ctx._run
    model = means.model(call["model"])
    request = _request(means.settings, messages, prompt, tools, options)
    request, extra = apply_all(means.transforms, request)
    if means.policy is not None and ctx._place.component != "memory":
        limit = model.capabilities.window - (request.max_output or 0)
        limit = min(limit, run.request_tokens) if run.request_tokens is not None else limit
        request = await means.policy.fit(request, limit, ctx.child("memory"))
    bound = model.bound(request) + extra
    rates = means.prices.rates(model.name, local=model.capabilities.local)
    claim = _claim(ctx, model, request, bound, rates is None)
    if rates is not None:
        reach = rates.within(bound.prompt)
        claim = _with_money(claim, bound, reach.worst_input, reach.worst_output)
    what = What(
        "complete", "model", model.name, claim, lambda: request, request.hash,
        prompt.ref, call["attempt"], call["retry"], call["last"],
    )  # fmt: skip
    place_ctx = ctx if call["component"] is None else ctx._as(call["component"])
    passage = place_ctx._pass(what)
    passage.worst = lambda output: _worst(ctx, model, bound, output)
    await _keep_request_small(passage, bound)
    return passage, model, request


async def _keep_request_small(passage: Passage, bound: Usage) -> None:
    """Refuse a request above the limit on one request; written down, so that a replay is refused as well."""
    limit = None if passage.place.component == "harness" else passage.run.request_tokens
    if limit is None or bound.prompt <= limit or passage.look_up():
        return
    refusal = BudgetExceeded("request_tokens", limit=limit, spent=0, reserved=0, needed=bound.prompt, what="request")
    await passage.refused(refusal)
    raise refusal


def _request(
    settings: Settings, messages: Sequence[Message], prompt: Prompt, tools: Sequence[Tool], options: dict[str, Any]
) -> Request:
    fields: dict[str, Any] = {
        "schema": prompt.schema,
        "max_output": settings.max_output,
        "temperature": settings.temperature,
        "seed": settings.seed,
        "effort": settings.effort,
        "parallel_calls": settings.parallel_calls,
        **options,
    }
    return Request(tuple(messages), tuple(tool.spec for tool in tools), prompt=prompt.ref, **fields)


def _claim(ctx: Context, model: Model, request: Request, bound: Usage, unpriced: bool) -> Claim:
    """The worst case in tokens and calls."""
    if unpriced and ctx._limits_money():
        raise UnknownPrice(
            f"the budget limits money, but nobody stated a price for model {model.name!r}",
            remedy="give one with --prices FILE",
        )
    fixed: dict[str, Amount] = {"model_calls": 1, "tokens": bound.prompt}
    least = min(request.min_output, bound.output)
    return Claim(f"call of {model.name}", fixed, {"tokens": 1}, bound.output, least)


def _with_money(claim: Claim, bound: Usage, input_rate: Decimal, output_rate: Decimal) -> Claim:
    usd = (input_rate * bound.prompt).scaleb(-6)
    return Claim(
        claim.what,
        {**claim.fixed, "usd": usd},
        {**claim.per_output, "usd": output_rate.scaleb(-6)},
        claim.output,
        claim.least,
    )


def _capped(request: Request, passage: Passage) -> Request:
    """The request with the output cap that was reserved; always explicit, so the bound holds."""
    return request if request.max_output == passage.output else request.with_(max_output=passage.output)


def _settle(ctx: Context, passage: Passage, model: Model, response: Response) -> None:
    """Charge what the provider says was used; what was reserved where it never said."""
    received = Received(passage.output)
    received.add(Delta(response.text, response.tool_calls))
    usage, money = _credible(response, received), Money()
    status: EventStatus = "ok" if usage is not None else "cut"
    if usage is None:
        usage, money = passage.worst(received.most if received.passed else passage.output)
    elif response.reported_cost:
        money = Money(Decimal(response.reported_cost), "metered")
    else:
        money = ctx._means.prices.price(model.name, usage, local=model.capabilities.local)
    spent: dict[str, Amount] = {"model_calls": 1, "tokens": usage.total, "usd": money.least}
    if response.finish == "length" and passage.reservation is not None and passage.reservation.capped:
        ctx._run.held_back.add(passage.reservation.capped)
    passage.done(response.to_json(), usage=usage, money=money, spent=spent, status=status)


def _credible(response: Response, received: Received) -> Usage | None:
    """The usage a provider stated; None where it stated none, or one that cannot be true: nothing read, or fewer
    tokens written than came. Some proxies put zeros there, or what was known when the answer began."""
    usage = response.usage
    if usage is None or response.replayed is not None:
        return usage
    return usage if usage.prompt > 0 and usage.output >= received.least else None


def _worst(ctx: Context, model: Model, bound: Usage, output: int) -> tuple[Usage, Money]:
    """What a call is charged whose final usage never came: all its input fresh, all its output written."""
    usage = replace(bound, output=output)
    rates = ctx._means.prices.rates(model.name, local=model.capabilities.local)
    if rates is None:
        return usage, Money.unknown()
    label = ctx._means.prices.price(model.name, usage, local=model.capabilities.local).prices or ""
    reach = rates.within(usage.prompt)
    return usage, Money.priced((reach.worst_input * usage.prompt + reach.worst_output * output).scaleb(-6), label)


async def embed(ctx: Context, texts: Sequence[str]) -> Vectors:
    """Vectors through the System's embedder, priced like any other tokens."""
    embedder = ctx._means.embedder
    if embedder is None:
        raise closed("embed", "name an embedder in the System: embedder = 'multilingual'")
    if not texts:
        raise InputError("ctx.embed was given no text")
    prices, local = ctx._means.prices, getattr(embedder, "local", True)
    worst = Usage(input=sum(len(text.encode("utf-8", "surrogatepass")) + 2 for text in texts))
    price = prices.price(embedder.name, worst, local=local, embedding=True)
    if price.amount is None and ctx._limits_money():
        raise UnknownPrice(
            f"the budget limits money, but nobody stated a price for embedder {embedder.name!r}",
            remedy="give one with --prices FILE",
        )
    claim = Claim(f"embedding by {embedder.name}", {"tokens": worst.input, "usd": price.least})
    request = {"texts": list(texts)}
    what = What("embed", "embed", embedder.name, claim, lambda: request, digest(request))
    passage = ctx._pass(what)
    passage.worst = lambda output: (worst, price)
    async with passage:
        if passage.recorded is not None:
            raise_recorded(passage.recorded.response)
            return unpack(passage.recorded.response)
        vectors, usage = await ctx._run.in_time(embedder.embed(texts))
        money = prices.price(embedder.name, usage, local=local, embedding=True)
        passage.done(pack(vectors), usage=usage, money=money, spent={"tokens": usage.total, "usd": money.least})
        return vectors


def pack(vectors: Vectors) -> dict[str, Any]:
    """A float32 array as JSON: shape and base64 of its bytes."""
    import base64

    return {"shape": list(vectors.shape), "float32": base64.b64encode(vectors.astype("<f4").tobytes()).decode()}


def unpack(data: Mapping[str, Any]) -> Vectors:
    """The inverse of `pack`. numpy is imported by whoever made the array, never by core itself."""
    import base64
    import sys

    numpy = sys.modules.get("numpy") or __import__("numpy")
    return numpy.frombuffer(base64.b64decode(data["float32"]), dtype="<f4").reshape(data["shape"])
