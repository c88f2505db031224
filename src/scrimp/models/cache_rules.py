"""Each provider's rules of prompt caching, as dated data (`data/cache_rules.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from scrimp.core.errors import InputError
from scrimp.models.providers import rule, split_options

Part = Literal["tools", "system", "messages"]


@dataclass(frozen=True)
class CacheRules:
    """How prompts are cached.

    Attributes:
        mode: `automatic` caches the longest common beginning, `marked` only up to marks in the request.
        minimum: tokens below which nothing is cached.
        block: cached tokens come in multiples of this many.
        lifetime: seconds without use after which it is gone.
        write, read: price of a token written or read, as a share of a fresh one; price lists come before them.
        look_back: blocks before a mark that are searched for what an earlier request wrote (`marked`).
        marks: most marks of one request (`marked`).
        order: the parts of a prompt as the provider lays them out.
        guaranteed: whether what is cached is promised to be found.
        breaks, source, as_of: for people.
    """

    mode: Literal["automatic", "marked"] = "automatic"
    minimum: int = 1024
    block: int = 128
    lifetime: float = 300.0
    write: Decimal = Decimal(1)
    read: Decimal = Decimal("0.1")
    look_back: int = 20
    marks: int = 4
    order: tuple[Part, ...] = ("tools", "system", "messages")
    guaranteed: bool = False
    breaks: str = ""
    source: str = ""
    as_of: str = ""


def rules_for(model: str, lifetime: str = "") -> CacheRules | None:
    """The rules for a model; None where nobody published any.

    Args:
        lifetime: one that the provider offers by name (`5m`, `1h`); what `?cache=` of the model's name says, else the
            provider's default, where it is empty.

    Raises:
        InputError: the provider offers no such lifetime.
    """
    found = rule("cache_rules", model)
    asked = lifetime or split_options(model)[1].get("cache", "")
    if found is None or asked == "off":
        return None
    chosen = asked or found["default"]
    lifetimes: Mapping[str, float] = found["lifetimes"]
    if chosen not in lifetimes:
        raise InputError(f"{model} cannot be cached for {chosen!r}", remedy=f"known: {', '.join(lifetimes)}")
    return CacheRules(
        mode=found["mode"], minimum=found["minimum"], block=found["block"], lifetime=float(lifetimes[chosen]),
        write=Decimal(found["write"][chosen]), read=Decimal(found["read"]), look_back=found.get("look_back", 20),
        marks=found.get("marks", 4), order=tuple(found["order"]), guaranteed=found["guaranteed"],
        breaks=found["breaks"], source=found["source"], as_of=found["as_of"],
    )  # fmt: skip
