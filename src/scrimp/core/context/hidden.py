"""The door to a white-box model: a text read in one forward pass, and what the model then holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scrimp.core.budget import Claim
from scrimp.core.context.means import closed
from scrimp.core.context.models import pack, unpack
from scrimp.core.context.passage import What, raise_recorded
from scrimp.core.errors import UnknownPrice
from scrimp.core.messages import digest
from scrimp.core.protocols import Look
from scrimp.core.usage import Usage

if TYPE_CHECKING:
    from scrimp.core.context.doors import Context

ARRAYS = ("states", "logits", "cache")


async def read(ctx: Context, text: str, look: Look) -> Mapping[str, Any]:
    """Read through the System's white-box model; its tokens cost what a model's prompt costs."""
    hidden, prices = ctx._means.hidden, ctx._means.prices
    if hidden is None:
        raise closed(
            "hidden", "a white-box model stands there where the card of a method needs it and the model is local"
        )
    worst = Usage(input=len(text.encode("utf-8", "surrogatepass")) + 2)
    price = prices.price(hidden.name, worst, local=True)
    if price.amount is None and ctx._limits_money():
        raise UnknownPrice(
            f"the budget limits money, but nobody stated a price for white-box model {hidden.name!r}",
            remedy="give one with --prices FILE",
        )
    claim = Claim(f"reading by {hidden.name}", {"tokens": worst.input, "usd": price.least})
    request = {"text": text, "look": asdict(look)}
    passage = ctx._pass(What("hidden", "embed", hidden.name, claim, lambda: request, digest(request)))
    passage.worst = lambda output: (worst, price)
    async with passage:
        if passage.recorded is not None:
            raise_recorded(passage.recorded.response)
            return {key: unpack(value) if key in ARRAYS else value for key, value in passage.recorded.response.items()}
        found, usage = await ctx._run.in_time(hidden.read(text, look))
        money = prices.price(hidden.name, usage, local=True)
        response = {key: pack(value) if key in ARRAYS else value for key, value in found.items()}
        passage.done(response, usage=usage, money=money, spent={"tokens": usage.total, "usd": money.least})
        return found
