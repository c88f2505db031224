"""How promising candidates are, by the model's own judgement: one call for all of them.

A search rates leaves and finished plans by it, best-of-n whole solutions, BATS the answers of its attempts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from scrimp.core.context import Context
from scrimp.core.messages import Message, user
from scrimp.core.prompt import Prompt

SCORE = Prompt(
    "score",
    1,
    "Judge what could come next. Candidates:\n$candidates\n\nFor each one say how surely it leads to the right answer "
    'to the task: 10 is certain, 0 is hopeless. Reply with one JSON object {"scores": [NUMBER, ...]}, one number per '
    "candidate, in their order.",
)
TEN = 10.0


async def scores(ctx: Context, messages: Sequence[Message], candidates: Sequence[str], **options: Any) -> list[float]:
    """Scores from 0 to 1, one per candidate; 0 where the model gave none that can be read.

    Args:
        messages: what the candidates are judged by: the task, and what was seen.
        options: as in `ctx.complete`.
    """
    if not candidates:
        return []
    shown = "\n".join(f"{number}. {' '.join(text.split())}" for number, text in enumerate(candidates, 1))
    asked = [*messages, user(SCORE.render(candidates=shown))]
    response = await ctx.complete(asked, prompt=SCORE, schema=_schema(len(candidates)), **options)
    return _read(response.text, len(candidates))


def _schema(count: int) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"scores": numbers}, "required": ["scores"], "additionalProperties": False}


def _read(text: str, count: int) -> list[float]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    found = given.get("scores") if isinstance(given, dict) else None
    found = found if isinstance(found, list) else []
    return [_number(one) for one in [*found, *[0.0] * count][:count]]


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return 0.0
    return min(max(float(given), 0.0), TEN) / TEN
