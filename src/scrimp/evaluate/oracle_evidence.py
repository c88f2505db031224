"""What an oracle may know: which task a prompt is about, and which gold results the prompt shows.

Everything here looks at the Request only. A result counts as known when the call that gave it and
its observation both stand in the prompt: as native messages, or as lines `NAME(arguments) = result`,
`$n = result` or `$n: NAME(arguments) = result` (n counts gold steps from 1) in the words of a planner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

from scrimp.core.messages import Message, Request, ToolSpec
from scrimp.core.task import Task
from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step

PREFIX = 16
"""Letters by which task texts are looked up."""

Made = tuple[str, Mapping[str, Any]]
"""A call: name and arguments."""

MISSING: Any = object()
"""A result that the prompt does not show."""

_LINE = re.compile(
    r"^[ \t>*-]*(?:\$(?P<number>\d+)[ \t]*[=:][ \t]*)?"
    r"(?P<name>[A-Za-z0-9_.-]+)\((?P<arguments>.*)\)[ \t]*(?:=>?|→)[ \t]*(?P<result>[^\n]*)$"
    r"|^[ \t>*-]*\$(?P<bare>\d+)[ \t]*=[ \t]*(?P<value>[^\n]*)$",
    re.MULTILINE,
)


class Golden(Protocol):
    """A benchmark that hands out gold to an oracle."""

    name: str
    version: str
    splits: tuple[str, ...]
    default_split: str

    def tasks(self, split: str) -> Iterable[Task]: ...

    def gold(self, task_id: str) -> Gold: ...


class Book:
    """Finds the task of a prompt by the task's exact text, split after split until one is found.

    Texts of the later user messages come first, those of the system last. In one message a text that
    lies inside another is dropped, and of the rest the last counts.
    """

    def __init__(self, benchmark: Golden) -> None:
        self._benchmark = benchmark
        others = [split for split in benchmark.splits if split != benchmark.default_split]
        self._waiting = [benchmark.default_split, *others]
        self._by_prefix: dict[str, list[str]] = {}
        self._by_text: dict[str, list[Task]] = {}
        self._width = PREFIX
        self._found: dict[str, str | None] = {}

    def find(self, request: Request) -> tuple[Task, Gold] | None:
        """The task a request is about, with its gold; None where no task's text stands in it."""
        while (text := self._text_in(request)) is None and self._waiting:
            self._load(self._waiting.pop(0))
        if text is None:
            return None
        candidates = self._by_text[text]
        if len(candidates) == 1:
            return candidates[0], self._benchmark.gold(candidates[0].id)
        offered = set(offered_by(request))
        words = "" if offered else "\n".join(message.text for message in request.messages)

        def likeness(task: Task) -> float:
            mine = _names(task)
            here = offered or {name for other in candidates for name in _names(other) if _named(name, words)}
            return len(mine & here) / max(1, len(mine | here))

        best = max(candidates, key=likeness)
        return best, self._benchmark.gold(best.id)

    def _load(self, split: str) -> None:
        for task in self._benchmark.tasks(split):
            known = self._by_text.setdefault(task.text, [])
            if all(other.id != task.id for other in known):
                known.append(task)
        self._width = min([PREFIX, *(len(text) for text in self._by_text)])
        self._by_prefix = {}
        for text in sorted(self._by_text, key=len, reverse=True):
            self._by_prefix.setdefault(text[: self._width], []).append(text)
        self._found.clear()

    def _text_in(self, request: Request) -> str | None:
        for role in ("user", "system"):
            for message in reversed(request.messages):
                if message.role == role and (found := self._match(message)) is not None:
                    return found
        return None

    def _match(self, message: Message) -> str | None:
        key = message.hash
        if key not in self._found:
            if len(self._found) > 50_000:
                self._found.clear()
            self._found[key] = self._scan(message.text)
        return self._found[key]

    def _scan(self, text: str) -> str | None:
        last, place, width = None, 0, self._width
        while width and place <= len(text) - width:
            for candidate in self._by_prefix.get(text[place : place + width], ()):
                if candidate and text.startswith(candidate, place):
                    last, place = candidate, place + len(candidate) - 1
                    break
            place += 1
        return last


def _names(task: Task) -> set[str]:
    return {tool.name for tool in task.tools}


def _named(name: str, words: str) -> bool:
    """Whether a tool's name stands in the words as a whole word."""
    return name in words and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words) is not None


@dataclass(frozen=True)
class Seen:
    """A call that stands in the prompt with what was observed."""

    name: str
    arguments: Mapping[str, Any] | None
    text: str
    number: int = 0


class Sight:
    """One request, seen through the eyes of one task."""

    def __init__(self, request: Request, task: Task, gold: Gold) -> None:
        self.request, self.task, self.gold = request, task, gold
        self.offered = offered_by(request)

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Calls with their observations, in the order of the prompt."""
        found: list[Seen] = []
        open_calls: dict[str, tuple[str, Mapping[str, Any] | None]] = {}
        for message in self.request.messages:
            for call in message.tool_calls:
                open_calls[call.id] = (call.name, call.arguments)
            if message.role == "tool":
                if message.tool_call_id in open_calls:
                    found.append(Seen(*open_calls[message.tool_call_id], message.text))
            elif message.role != "assistant":
                found.extend(told(message.text.replace(self.task.text, "")))
        return tuple(found)

    @cached_property
    def words(self) -> str:
        """The words of the instructions without the question and without lines that report a call."""
        texts = (m.text.replace(self.task.text, "") for m in self.request.messages if m.role in ("system", "user"))
        return "\n".join(line for text in texts for line in text.splitlines() if not _reports(line))

    def shows(self, text: str) -> bool:
        """Whether a text stands in the prompt, in one piece but for blanks."""
        wanted = squeezed(text)
        return any(wanted in squeezed(message.text) for message in self.request.messages if message.role != "assistant")

    def taken(self, ways: Sequence[Sequence[Made]]) -> int:
        """How many steps of an ordered way the calls in the prompt have taken; a step may be taken in several ways."""
        place = 0
        for seen in self.seen:
            here = ways[place] if place < len(ways) else ()
            place += any(name == seen.name and _agree(arguments, seen.arguments) for name, arguments in here)
        return place

    def may_call(self, name: str) -> bool:
        """Whether a tool is offered natively, or named in the instructions as a whole word."""
        return name in self.offered or _named(name, self.words)

    def stand_in(self, step: Step) -> str | None:
        """An offered tool with the same arguments as a gold tool that is not offered, the likest by name."""
        wanted = set(step.arguments)
        like = [
            name
            for name, spec in self.offered.items()
            if wanted and set(spec.parameters.get("properties", ())) == wanted
        ]
        return max(like, key=lambda name: (_shared(name, step.tool), name), default=None)

    def result(self, place: int, variants: Iterable[Made], others: Iterable[Made] = ()) -> tuple[Any, int]:
        """The result of gold step `place` as the prompt shows it, and how often its call stands there.

        Args:
            place: index of the gold step.
            variants: calls that count as this step: name and arguments, MISSING for an argument
                whose own evidence is gone (it then matches anything, if only one call does).
            others: calls that belong to other steps and are no evidence of this one.
        """
        taken = [made for made in others if not any(value is MISSING for value in made[1].values())]
        step, calls = self.gold.steps[place], 0
        for name, arguments in variants:
            hits = [seen for seen in self.seen if seen.name == name and _agree(arguments, seen.arguments)]
            if any(value is MISSING for value in arguments.values()):
                hits = [hit for hit in hits if not any(_agree(made[1], hit.arguments) for made in taken)]
            if len({json.dumps(hit.arguments, sort_keys=True) for hit in hits}) > 1:
                continue
            calls += len(hits)
            for hit in reversed(hits):
                value = read(hit.text, step.gives)
                if value is not MISSING:
                    return value, calls
        for seen in reversed(self.seen):
            if seen.number == place + 1:
                return read(seen.text, step.gives), calls + 1
        return MISSING, calls


@lru_cache(maxsize=256)
def squeezed(text: str) -> str:
    """A text with one blank wherever it has any."""
    return " ".join(text.split())


def offered_by(request: Request) -> Mapping[str, ToolSpec]:
    """The tools of a request by name: its own, or those that the schema of a plan allows.

    The steps of such a plan are one of `{"tool": NAME, "arguments": {...}}`.
    """
    if request.tools or request.schema is None:
        return {tool.name: tool for tool in request.tools}
    found: dict[str, ToolSpec] = {}
    steps = request.schema.get("properties", {}).get("steps", {})
    for choice in steps.get("items", {}).get("anyOf", ()):
        parts = choice.get("properties", {})
        name = parts.get("tool", {}).get("const")
        if name:
            found[name] = ToolSpec(name, "", parts.get("arguments", {}))
    return found


def told(text: str) -> Iterator[Seen]:
    """Calls and results reported in words, one per line."""
    if "=" not in text and "$" not in text and "→" not in text:
        return
    for found in _LINE.finditer(text):
        if found["name"]:
            arguments, number = _arguments(found["arguments"]), int(found["number"] or 0)
            yield Seen(found["name"], arguments, found["result"].strip(), number)
        else:
            yield Seen("", None, found["value"].strip(), int(found["bare"]))


def _reports(line: str) -> bool:
    return next(told(line), None) is not None


def read(text: str, gives: str) -> Any:
    """The value of an observation, MISSING where it is not of the kind that the tool gives.

    So a cleared result, a placeholder in brackets or an error message is no evidence.
    """
    text = text.strip().partition("\n")[0] if gives == "line" else text.strip()
    if gives in ("number", "list"):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            return MISSING
        wanted = (int, float) if gives == "number" else (list,)
        return value if isinstance(value, wanted) and not isinstance(value, bool) else MISSING
    if not text or text.startswith(("error:", "[", "(", "<", "...", "…")):
        return MISSING
    return text


@lru_cache(maxsize=1024)
def _arguments(text: str) -> Mapping[str, Any] | None:
    """Arguments written as a JSON object or as `name=value, ...`."""
    text = text.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            return None
        return value if isinstance(value, dict) else None
    pieces = re.findall(r"([A-Za-z_]\w*)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|\[[^\]]*\]|[^,]+)", text)
    return {name: _literal(value.strip()) for name, value in pieces}


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip("'\"")


def _agree(wanted: Mapping[str, Any], given: Mapping[str, Any] | None) -> bool:
    if given is None or set(wanted) != set(given):
        return False
    return all(value is MISSING or value == given[name] or str(value) == str(given[name])
               for name, value in wanted.items())  # fmt: skip


def _shared(a: str, b: str) -> int:
    mine, other = a.split("_"), b.split("_")
    return len(set(mine) & set(other))


def refs(step: Step) -> list[int]:
    """The steps that a step refers to."""
    return [value.step for value in step.arguments.values() if isinstance(value, Ref)]
