"""Asking a model for JSON on behalf of a memory: what cannot be read is asked for once more, and then given up.

A memory that gives up changes nothing: a small model's broken answer must never damage what is kept. The second
asking is an attempt of kind `repair`, so the ledger counts it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from scrimp.core.context import Context
from scrimp.core.messages import system, user
from scrimp.core.prompt import Prompt

T = TypeVar("T")

AGAIN = "That was not the JSON that was asked for: $why. Reply with that JSON object and nothing else."


async def ask(
    ctx: Context, prompt: Prompt, text: str, read: Callable[[Any], T], *, max_output: int | None = None
) -> T | None:
    """What the model says, as `read` understands it; None where it cannot be understood.

    Args:
        prompt: the instructions, with the schema of the answer.
        text: what it is about; data, shown as the user's message.
        read: takes the parsed JSON; raises ValueError, KeyError or TypeError where it is something else.
    """
    messages = [system(prompt.text), user(text)]
    options: dict[str, Any] = {} if max_output is None else {"max_output": max_output}
    for attempt in (1, 2):
        again: dict[str, Any] = {} if attempt == 1 else {"attempt": 2, "retry": "repair"}
        response = await ctx.complete(messages, prompt=prompt, **options, **again)
        try:
            return read(parsed(response.text))
        except (ValueError, KeyError, TypeError) as error:
            why = " ".join(str(error).split())[:120]
            messages = [*messages, response.message, user(AGAIN.replace("$why", why))]
    return None


def parsed(text: str) -> Any:
    """The JSON in an answer, alone or in a fence.

    Raises:
        ValueError: there is none.
    """
    body = text.strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        return json.loads(body)
    except ValueError:
        start, end = body.find("{"), body.rfind("}")
        if start < 0 or end < start:
            raise ValueError("there is no JSON object") from None
        return json.loads(body[start : end + 1])


def texts(value: Any, key: str) -> list[str]:
    """The texts under a key of an object, blank ones left out.

    Raises:
        ValueError: it is no list of texts.
    """
    found = value[key] if isinstance(value, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ValueError(f"{key} is a list of texts")
    return [item.strip() for item in found if item.strip()]
