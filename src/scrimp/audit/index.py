"""A run looked up from the other side: which calls a message was sent in, and what its tokens cost there.

Made once for a run and shared by all rules of waste.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from scrimp.audit.draft import scale_of
from scrimp.audit.measure import Call, Run
from scrimp.audit.trace import ToolUse
from scrimp.core.messages import Message, ToolCall, canonical

READING = ("get", "read", "list", "search", "find", "lookup", "look", "fetch", "query", "show", "view", "describe",
           "check", "calculate", "count", "open", "cat", "ls", "grep", "head", "tail", "browse", "retrieve", "think",
           "scroll", "goto", "查", "读", "列", "搜")  # fmt: skip
"""Words that the names of tools begin with that only look: what they return changes nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of waste with its evidence.

    Attributes:
        step: index of the model call that it concerns; `where` is its place in the file.
        message: the message that shows it, `span` the characters of its text.
        detail: one plain sentence.
        tokens: real tokens that were paid for it, over all calls; `cost` their dollars, None where a price is unknown.
    """

    rule: str
    step: int
    where: str
    detail: str
    tokens: int = 0
    cost: Decimal | None = Decimal(0)
    seconds: float = 0.0
    message: Message | None = None
    span: tuple[int, int] = (0, 0)


class Index:
    """Look-ups over one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls: list[tuple[int, Call]] = [
            (at, call) for at, call in enumerate(run.calls) if call.event.component != "harness"
        ]
        self._rates: dict[int, Decimal | None] = {}
        self._words: dict[int, frozenset[str]] = {}
        self._low: dict[int, str] = {}

    @cached_property
    def sent(self) -> dict[int, list[int]]:
        """By a message's id, the steps whose prompts held it."""
        found: dict[int, list[int]] = {}
        for at, call in self.calls:
            for message in call.step.request.messages:
                places = found.get(id(message))
                if places is None:
                    found[id(message)] = [at]
                else:
                    places.append(at)
        return found

    @cached_property
    def uses(self) -> list[tuple[ToolUse, str]]:
        """Tool calls that were carried out, with what tells equal ones."""
        return [(use, key_of(use.call)) for use in self.run.trace.tools]

    @cached_property
    def uses_of(self) -> dict[int, list[ToolUse]]:
        """Tool calls by the step that asked for them."""
        found: dict[int, list[ToolUse]] = {}
        for use in self.run.trace.tools:
            found.setdefault(use.step, []).append(use)
        return found

    @cached_property
    def scale(self) -> Decimal:
        """Real tokens for each estimated one, of a text that stands in a prompt."""
        return Decimal(scale_of(self.run))

    def words(self, message: Message, split: Callable[[str], frozenset[str]]) -> frozenset[str]:
        """The words of a message and its calls, split once from the text in small letters."""
        found = self._words.get(id(message))
        if found is None:
            found = self._words[id(message)] = split(self.low(message))
        return found

    def low(self, message: Message) -> str:
        """The text of a message and its calls in small letters."""
        found = self._low.get(id(message))
        if found is None:
            found = self._low[id(message)] = _whole_text(message).lower()
        return found

    def rate(self, at: int) -> Decimal | None:
        """Dollars of one prompt token of a step."""
        if at not in self._rates:
            self._rates[at] = self.run.calls[at].prompt_rate(self.run.book)
        return self._rates[at]

    def kept(self, tokens: int, steps: Sequence[int]) -> tuple[int, Decimal | None]:
        """Real tokens and dollars of so many estimated tokens in the prompts of these steps."""
        rates = [self.rate(at) for at in steps]
        real = self.scale * tokens
        if any(rate is None for rate in rates):
            return int(real * len(steps)), None
        return int(real * len(steps)), real * sum((rate for rate in rates if rate is not None), Decimal(0))

    def of_message(self, message: Message, after: int = -1) -> tuple[int, Decimal | None]:
        """What a message cost in all prompts behind a step."""
        steps = [at for at in self.sent.get(id(message), ()) if at > after]
        return self.kept(self.run.sizes.message(message), steps)

    def of_call(self, at: int) -> tuple[int, Decimal | None]:
        """What a whole model call cost."""
        call = self.run.calls[at]
        return call.usage.total, call.money.amount

    def where(self, at: int) -> str:
        """Place of a step in its file."""
        return self.run.trace.steps[at].where


def _whole_text(message: Message) -> str:
    calls = (call.raw or canonical(call.arguments) for call in message.tool_calls)
    return "\n".join((message.text, *calls))


def key_of(call: ToolCall) -> str:
    """What tells equal calls: the tool and its arguments, whatever their order."""
    return f"{call.name}\0{call.raw or canonical(call.arguments)}"


def only_looks(name: str) -> bool:
    """Whether a tool's name says that it changes nothing; where it does not say, it may."""
    last = name.rpartition(".")[2].rpartition("__")[2].lower()
    return last.startswith(READING)


def plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """A sum, None where a part is unknown."""
    return None if one is None or other is None else one + other
