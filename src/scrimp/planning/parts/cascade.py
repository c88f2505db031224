"""A cascade: the cheap model first, a stronger one where its answer is not good enough.

FrugalGPT (Chen, Zaharia, Zou 2023, arXiv:2305.05176, section 3, "LLM cascade"). It is a part of planners, not a model
that hides others: every call goes through `ctx.complete`, so each is reserved, metered and journaled by itself. The
first model's call is generation; those after it answer the same question again, so they are attempts of kind
`repair`, and the ledger shows what escalation costs under retries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from scrimp.core.errors import InputError
from scrimp.core.messages import Message, Response
from scrimp.core.prompt import Prompt
from scrimp.core.tool import Tool

if TYPE_CHECKING:
    from scrimp.core.context import Context

Accept = Callable[[Response], bool]
"""Whether an answer is good enough to stop at."""

ROLES = ("main", "strong")
"""The roles a System gives models to, cheapest first: `models.strong = "openai:NAME"`."""


async def cascade(
    ctx: Context,
    messages: Sequence[Message],
    *,
    prompt: Prompt,
    accept: Accept,
    roles: Sequence[str] = ROLES,
    tools: Sequence[Tool] = (),
    **options: Any,
) -> Response:
    """Ask the models of `roles` in turn until one's answer is accepted; the last one's answer is taken as it is.

    Args:
        accept: the rule; see `confident`, `whole`, `is_json`, `callable_calls`, and `every` to join them.
        options: as in `ctx.complete`.

    Raises:
        InputError: `roles` is empty.
        BudgetExceeded, ModelFailed: as `ctx.complete`.
    """
    if not roles:
        raise InputError("a cascade needs a model to begin with", remedy='roles=("main", "strong")')
    for number, role in enumerate(roles, start=1):
        again = {"attempt": number, "retry": "repair"} if number > 1 else {}
        response = await ctx.complete(messages, prompt=prompt, tools=tools, model=role, **again, **options)
        if number == len(roles) or accept(response):
            break
    return response


def confident(least: float) -> Accept:
    """The mean log-probability of the answer's tokens is at least `least` (natural logarithm, 0 is certain).

    An answer without log-probabilities is not accepted: ask for them with `logprobs=1`, of a model that has them.
    """

    def accept(response: Response) -> bool:
        values = [item.logprob for item in response.logprobs]
        return bool(values) and sum(values) / len(values) >= least

    return accept


def whole(response: Response) -> bool:
    """The answer was not cut off or refused, and says or calls something."""
    return response.finish in ("stop", "tool_calls") and bool(response.text.strip() or response.tool_calls)


def is_json(check: Callable[[Any], bool] = lambda value: True) -> Accept:
    """The answer is one JSON value, for which `check` holds; calls of tools are accepted as they are."""

    def accept(response: Response) -> bool:
        if response.tool_calls:
            return True
        try:
            return check(json.loads(response.text))
        except ValueError:
            return False

    return accept


def callable_calls(tools: Sequence[Tool]) -> Accept:
    """Every call is of a tool there is, and its arguments are an object with all that the tool requires."""
    required = {tool.name: set(tool.parameters.get("required", ())) for tool in tools}

    def accept(response: Response) -> bool:
        return all(
            call.name in required and call.arguments is not None and required[call.name] <= set(call.arguments)
            for call in response.tool_calls
        )

    return accept


def every(*rules: Accept) -> Accept:
    """All of the rules hold."""
    return lambda response: all(rule(response) for rule in rules)
