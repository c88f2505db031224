"""Estimates that learn from what calls really used: how many tokens a model's vocabulary makes of each kind of text.

For estimates only (planning, forecasts): budgets rest on bounds, costs on what providers state.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.messages import Delta, Fold, Image, Message, Request, Text
from scrimp.core.protocols import Model
from scrimp.core.usage import Usage
from scrimp.journal.locks import write_whole
from scrimp.models.images import image_tokens
from scrimp.models.tokens import PER_MESSAGE, PER_REQUEST, SCRIPTS, by_script, compact

PRIOR = 20.0
"""Weight of the uncalibrated estimate, for each kind of text: that of 20 tokens of nothing but it."""

FORGET = 0.995
"""Weight of what was learned before, at each new observation: vocabularies do not change, mixtures of text do."""

LEAST, MOST = 0.2, 8.0
"""How far a factor may be from 1."""

_FRAME = len(SCRIPTS)
"""Index of what templates put around messages; a kind of text of its own."""

_SIZE = _FRAME + 1


@dataclass
class _Fit:
    """Weighted least squares of observed tokens on estimated ones, with a prior of factor 1 for each kind."""

    squares: list[list[float]] = field(default_factory=lambda: [[0.0] * _SIZE for _ in range(_SIZE)])
    products: list[float] = field(default_factory=lambda: [0.0] * _SIZE)
    seen: int = 0

    def add(self, kinds: Sequence[float], tokens: int) -> None:
        # Weighted by 1 / tokens: the error that counts is the relative one.
        for row in range(_SIZE):
            for column in range(_SIZE):
                self.squares[row][column] = (
                    FORGET * self.squares[row][column] + kinds[row] * kinds[column] / tokens
                )  # fmt: skip
            self.products[row] = FORGET * self.products[row] + kinds[row]
        self.seen += 1

    def factors(self) -> list[float]:
        rows = [
            [value + (PRIOR if row == column else 0.0) for column, value in enumerate(self.squares[row])]
            + [self.products[row] + PRIOR]
            for row in range(_SIZE)
        ]
        return [min(MOST, max(LEAST, value)) for value in _solve(rows)]


class Calibrator:
    """Learned factors per model. Before anything is learned it estimates as `tokens.estimate` does."""

    def __init__(self) -> None:
        self._fits: dict[str, _Fit] = {}
        self._factors: dict[str, list[float]] = {}

    def observe(self, model: str, request: Request, usage: Usage) -> None:
        """Learn from a prompt and what the provider says it was; pictures count as their rule has them."""
        pictures = sum(image_tokens(part, model) for part in _pictures(request))
        self._learn(model, _kinds(request), usage.prompt - pictures)

    def observe_text(self, model: str, text: str, tokens: int) -> None:
        """Learn from a text whose tokens are known: an answer without reasoning, a document that was counted."""
        self._learn(model, (*by_script(text), 0.0), tokens)

    def estimate(self, model: str, text: str) -> int:
        """The likely tokens of `text`; 0 only for no text."""
        if not text:
            return 0
        return max(1, round(_dot(self.factors(model), (*by_script(text), 0.0))))

    def estimate_request(self, model: str, request: Request) -> int:
        """The likely prompt tokens of a request."""
        pictures = sum(image_tokens(part, model) for part in _pictures(request))
        return round(_dot(self.factors(model), _kinds(request))) + pictures

    def estimator(self, model: str) -> Callable[[str], int]:
        """`estimate` for one model, as a Context takes it."""
        return lambda text: self.estimate(model, text)

    def factors(self, model: str) -> list[float]:
        """Learned tokens per estimated one, by SCRIPTS and, last, for what stands around messages."""
        if model not in self._fits:
            return [1.0] * _SIZE
        if model not in self._factors:
            self._factors[model] = self._fits[model].factors()
        return self._factors[model]

    def _learn(self, model: str, kinds: Sequence[float], tokens: int) -> None:
        if tokens <= 0 or sum(kinds) <= 0:
            return
        self._fits.setdefault(model, _Fit()).add(kinds, tokens)
        self._factors.pop(model, None)

    # -- as data --

    def save(self, path: Path) -> None:
        """Write what was learned to a file, all of it or nothing."""
        data = {
            name: {"squares": fit.squares, "products": fit.products, "seen": fit.seen}
            for name, fit in self._fits.items()
        }
        write_whole(path, json.dumps({"kinds": [*SCRIPTS, "frame"], "models": data}))

    @classmethod
    def load(cls, path: Path) -> Calibrator:
        """What was learned before; nothing where there is no such file.

        Raises:
            InputError: the file is none of these.
        """
        calibrator = cls()
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8"))
            if data["kinds"] == [*SCRIPTS, "frame"]:
                calibrator._fits = {name: _Fit(**fit) for name, fit in data["models"].items()}
        except FileNotFoundError:
            return calibrator
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(
                f"the calibration {path} cannot be read", remedy="remove it; it is learned anew"
            ) from error
        return calibrator


class Observed:
    """A Model whose calls teach a Calibrator."""

    def __init__(self, inner: Model, calibrator: Calibrator) -> None:
        self.inner, self.calibrator = inner, calibrator
        self.name, self.capabilities = inner.name, inner.capabilities

    def bound(self, request: Request) -> Usage:
        """That of the model behind."""
        return self.inner.bound(request)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The stream of the model behind."""
        whole = Fold()
        async with aclosing(_pieces(self.inner, request)) as deltas:
            async for delta in deltas:
                whole.add(delta)
                yield delta
        usage = whole.usage
        if usage is None or whole.replayed is not None:
            return
        self.calibrator.observe(self.name, request, usage)
        if usage.reasoning == 0 and whole.finish == "stop" and not whole.tool_calls and not whole.unseen:
            self.calibrator.observe_text(self.name, "".join(whole.text), usage.output)

    async def aclose(self) -> None:
        """Close the model behind."""
        close = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()


async def _pieces(model: Model, request: Request) -> AsyncGenerator[Delta, None]:
    """The stream as a generator, so that it can be closed whatever it is."""
    async for delta in model.stream(request):
        yield delta


def _pictures(request: Request) -> list[Image]:
    return [part for message in request.messages for part in message.parts if isinstance(part, Image)]


def _kinds(request: Request) -> tuple[float, ...]:
    """Estimated tokens of a prompt by kind of text, the frame last."""
    sums = [0.0] * _SIZE
    texts = [compact(tool.to_json()) for tool in request.tools]
    texts += [] if request.schema is None else [compact(request.schema)]
    for message in request.messages:
        texts += _texts(message)
    for text in texts:
        for index, value in enumerate(by_script(text)):
            sums[index] += value
    calls = sum(len(message.tool_calls) for message in request.messages)
    sums[_FRAME] = PER_REQUEST + PER_MESSAGE * (len(request.messages) + calls)
    return tuple(sums)


def _texts(message: Message) -> list[str]:
    words = [part.text for part in message.parts if isinstance(part, Text)]
    return words + [call.name + " " + (call.raw or compact(call.arguments)) for call in message.tool_calls]


def _dot(factors: Sequence[float], kinds: Sequence[float]) -> float:
    return sum(factor * value for factor, value in zip(factors, kinds, strict=True))


def _solve(rows: list[list[float]]) -> list[float]:
    """Gaussian elimination with pivots; the prior on the diagonal keeps the matrix regular."""
    size = len(rows)
    for step in range(size):
        pivot = max(range(step, size), key=lambda row: abs(rows[row][step]))
        rows[step], rows[pivot] = rows[pivot], rows[step]
        for row in range(step + 1, size):
            share = rows[row][step] / rows[step][step]
            rows[row] = [value - share * above for value, above in zip(rows[row], rows[step], strict=True)]
    out = [0.0] * size
    for step in reversed(range(size)):
        rest = sum(rows[step][column] * out[column] for column in range(step + 1, size))
        out[step] = (rows[step][size] - rest) / rows[step][step]
    return out
