"""A model that knows the right way but may take a step only if its evidence is in the prompt.

`oracle?error=0.1` is a Model. It finds the task by the task's own text in the prompt, takes a gold
step only where the tool is offered and the results it needs are visible, and reads its answer off
visible results; otherwise it calls a look-alike or says that it cannot tell. So cutting context is
not free for it. It is not a model of language: what it shows is structure only.

Gold is kept in a module-level weak dictionary, `oracle -> Book`, and in no attribute of the oracle:
a walk over the attributes of whatever holds the oracle (a Context does) does not reach it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, replace
from typing import Any
from weakref import WeakKeyDictionary

from scrimp.core.errors import InputError
from scrimp.core.messages import Delta, Finish, Message, Request, ToolCall
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import Usage
from scrimp.evaluate.benchmarks.catalog import split_name
from scrimp.evaluate.oracle_evidence import Book, Golden, Sight
from scrimp.evaluate.oracle_rules import CANNOT, Habits, Mind, Reply, as_calls, clerk, reply
from scrimp.models.tokens import PER_REQUEST, compact, estimate, estimate_calls, estimate_message, upper_bound

WINDOW = 131_072
"""Context window that the oracle states, in tokens."""

OUTPUT_CAP = 1024
"""Most tokens of an answer where the request states no cap."""

PREFIXES = 8192
"""Prefixes that the simulated cache remembers (some hundred requests of ordinary runs)."""

_GOLD: WeakKeyDictionary[Oracle, Book] = WeakKeyDictionary()


class Oracle:
    """The oracle as a Model; deterministic: a warm request's seed changes the draws that are not shared, nothing else.

    Args:
        benchmark: whose gold it follows.
        habits: error rate and the rest.
        name: what Systems and ledgers call it.
    """

    def __init__(self, benchmark: Golden, habits: Habits = Habits(), name: str = "oracle") -> None:  # noqa: B008
        _GOLD[self] = Book(benchmark)
        self.name, self.habits = name, habits
        self.capabilities = Capabilities(tools=True, schema="grammar", window=WINDOW, local=True)
        self._meter = _Meter(habits.cache_min)
        self._source = f"{benchmark.name} {benchmark.version}"

    @classmethod
    def parse(cls, name: str, benchmark: Golden) -> Oracle:
        """The oracle of a name like `oracle?error=0.1&seed=3`.

        Raises:
            InputError: an option it has not, or a value out of its range.
        """
        _, options = split_name(name)
        known = {item.name: item for item in fields(Habits)}
        values: dict[str, Any] = {}
        for key, text in options.items():
            if key not in known:
                raise InputError(f"the oracle has no option {key!r}", remedy=f"options: {', '.join(known)}")
            kind = float if key in ("error", "correlation") else int
            try:
                values[key] = kind(text)
            except ValueError as error:
                raise InputError(f"the oracle's {key} is a number, not {text!r}", remedy="oracle?error=0.1") from error
            if (values[key] < 0 and key != "seed") or (kind is float and not values[key] <= 1):
                raise InputError(f"the oracle's {key} cannot be {text}", remedy="rates are from 0 to 1, counts from 0")
        return cls(benchmark, replace(Habits(), **values), name)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What a report must state wherever it shows this oracle."""
        habits = self.habits
        return {
            "kind": "oracle: structure only, no model of language",
            "benchmark": self._source,
            "error": habits.error,
            "error_unit": "gold step (or answer without a call): a wrong argument, gone on with as if right",
            "correlation": habits.correlation,
            "correlation_unit": "share of draws by (seed, task, gold step), which Systems share; 1 is by step",
            "seed": habits.seed,
            "words_per_thought": habits.words,
            "tokens_per_call_overhead": habits.overhead,
            "tokens": "estimated, not tokenized; an output schema is a grammar and costs none",
            "cache": f"simulated: whole messages after the tools, at least {habits.cache_min} tokens, last "
            f"{PREFIXES} prefixes, no lifetime, own output cached once it is sent back",
        }

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Two Deltas: the words, then calls, finish and usage.

        Raises:
            UnknownName: the table has no rule for the request's prompt.
        """
        said = self._say(request)
        calls = as_calls(said, sum(len(message.tool_calls) for message in request.messages))
        text, calls, finish, output = self._cap(said.text, calls, request.max_output or OUTPUT_CAP)
        if text:
            yield Delta(text=text)
        fresh, cached = self._meter.read(request)
        yield Delta(tool_calls=calls, finish=finish, usage=Usage(input=fresh, cached_input=cached, output=output))

    def bound(self, request: Request) -> Usage:
        """Every byte a fresh token, output at its cap."""
        return Usage(input=self._meter.most(request), output=request.max_output or OUTPUT_CAP)

    def cold(self) -> None:
        """Empty the simulated cache: a System must not find the prompts of another in it."""
        self._meter = _Meter(self.habits.cache_min)

    def _say(self, request: Request) -> Reply:
        if (work := clerk(request, self.habits)) is not None:
            return work
        found = _GOLD[self].find(request)
        if found is None:
            return Reply(CANNOT)
        first = request.messages[0].hash if request.messages[0].role == "system" else ""
        warm = f"|{request.seed}" if request.temperature else ""
        return reply(Mind(Sight(request, *found), self.habits, f"{request.prompt}|{first}{warm}"), request.prompt)

    def _cap(self, text: str, calls: tuple[ToolCall, ...], cap: int) -> tuple[str, tuple[ToolCall, ...], Finish, int]:
        words = estimate(text)
        output = max(1, words + sum(estimate_calls((call,)) + self.habits.overhead for call in calls))
        if output <= cap:
            return text, calls, "tool_calls" if calls else "stop", output
        while words > cap:
            text = text[: max(1, len(text) * cap // words) - 1] if len(text) > 1 else ""
            words = estimate(text)
        return text, (), "length", cap


class _Meter:
    """Counts a request as a provider with a prefix cache would; each message and tool is counted once."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._sizes: dict[str, tuple[int, int]] = {}
        self._prefixes: OrderedDict[int, None] = OrderedDict()

    def _size(self, key: str, count: Any) -> tuple[int, int]:
        size = self._sizes.get(key)
        if size is None:
            if len(self._sizes) > 100_000:
                self._sizes.clear()
            size = self._sizes[key] = count()
        return size

    def _pieces(self, request: Request) -> list[tuple[str, tuple[int, int]]]:
        """Identity, likely tokens and most tokens of the tools and of each message, in the order they are sent."""
        hashes = [tool.hash for tool in request.tools]
        key = str(hash(tuple(hashes)))
        head = self._size(f"head{key}", lambda: self._head(request))
        return [(key, head), *((m.hash, self._size(m.hash, lambda m=m: _message(m))) for m in request.messages)]

    def _head(self, request: Request) -> tuple[int, int]:
        sizes = [self._size(tool.hash, lambda tool=tool: _text(compact(tool.to_json()))) for tool in request.tools]
        return sum(size[0] for size in sizes), sum(size[1] for size in sizes)

    def read(self, request: Request) -> tuple[int, int]:
        """Fresh and cached input tokens; the request's prefixes are in the cache afterwards."""
        total, cached, key = 0, 0, 0
        for place, (name, (tokens, _)) in enumerate(self._pieces(request)):
            total += tokens
            key = hash((key, name))
            if key in self._prefixes:
                self._prefixes.move_to_end(key)
                cached = total
            elif place or tokens:
                self._prefixes[key] = None
        while len(self._prefixes) > PREFIXES:
            self._prefixes.popitem(last=False)
        cached = cached if cached >= self._least else 0
        return total + PER_REQUEST - cached, cached

    def most(self, request: Request) -> int:
        """No fewer than `read` gives, and no fewer than one token per byte."""
        return 8 * PER_REQUEST + sum(size[1] for _, size in self._pieces(request))


def _text(text: str) -> tuple[int, int]:
    tokens = estimate(text)
    return tokens, max(tokens, upper_bound(text))


def _message(message: Message) -> tuple[int, int]:
    tokens = estimate_message(message)
    spoken = message.text + "".join(call.name + (call.raw or compact(call.arguments)) for call in message.tool_calls)
    return tokens, max(tokens, upper_bound(spoken)) + 8 * (1 + len(message.tool_calls))
