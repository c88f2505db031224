"""Models that answer from a script or from a record, with usage like any other."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import tomllib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError, ModelFailed, ReplayMismatch
from scrimp.core.messages import (
    Delta,
    Image,
    Message,
    Request,
    Response,
    ToolCall,
    assistant,
    digest,
    fold,
)
from scrimp.core.protocols import Capabilities
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.models.tokens import compact, estimate, estimate_calls, estimate_message, estimate_request, estimate_tools

DEFAULT_OUTPUT = 1024
"""Output tokens of an answer at most, where the request sets no cap."""

SCRIPTED = Capabilities(logprobs=True, images=True, exact_tokens=True, window=131072, local=True)

Answer = str | Message | Response | ToolCall | ModelFailed | Mapping[str, Any] | Sequence[Any]
"""What one call is answered with: words, a message, a whole response, calls (also as `{"tool", "arguments"}`), the
Deltas of a stream, or a failure to raise."""

Answers = Sequence[Any] | Mapping[str, Any] | Callable[[Request], Any]
"""A list, used in order; a table, whose first key found in the last words of user or tool answers; a function of the
request, which may be async."""


@dataclass(frozen=True)
class ScriptOptions:
    """How a script is played.

    Attributes:
        latency: seconds per call, or a function of the request.
        sleep: what waits them; give a fake clock's.
        chunks: pieces that words are streamed in.
        cache: simulate a prefix cache: the longest beginning (tools, then whole messages) shared with an earlier
            request counts as cached input.
        cache_minimum: tokens below which a beginning is not cached.
        repeat: begin a list anew when it is used up.
        remember: keep every request in `requests`, for whoever holds the model.
    """

    latency: float | Callable[[Request], float] = 0.0
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
    chunks: int = 1
    cache: bool = False
    cache_minimum: int = 0
    repeat: bool = False
    remember: bool = True


class ScriptedModel:
    """A Model that answers what it is told to, for tests, examples and structure checks.

    Usage is counted by `tokens.estimate` over everything in the request and in the answer, so equal requests cost
    the same everywhere; an answer longer than the output cap is cut there, as a provider does.

    Args:
        answers: a list, a table or a function; see `Answers`.
        name: its prices are looked up by it; without a price it has the reference list's.
        options: latency, streaming, cache, repetition.
        changes: fields of `options` by name (`repeat=True`).
    """

    def __init__(
        self, answers: Answers, *, name: str = "scripted", options: ScriptOptions | None = None, **changes: Any
    ) -> None:
        self.name, self.capabilities = name, SCRIPTED
        self.options = replace(options or ScriptOptions(), **changes)
        self.requests: list[Request] = []
        self._answers = answers
        self._used = 0
        self._prefixes: set[str] = set()

    def __repr__(self) -> str:
        return f"ScriptedModel({self.name!r})"

    def bound(self, request: Request) -> Usage:
        """Input as it will be counted, fresh; output at its cap."""
        return Usage(input=estimate_request(request), output=_cap(request), images=_images(request))

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the next answer of the script.

        Raises:
            ModelFailed: the script says so, or has no answer for this request.
        """
        if self.options.remember:
            self.requests.append(request)
        answer = self._next(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, ModelFailed):
            raise answer
        usage = self._input_usage(request)
        latency = self.options.latency
        seconds = latency(request) if callable(latency) else latency
        deltas = _deltas(answer, request, max(1, self.options.chunks), usage)
        for delta in deltas:
            if seconds:
                await self.options.sleep(seconds / len(deltas))
            yield delta

    def _next(self, request: Request) -> Any:
        answers = self._answers
        if callable(answers):
            return answers(request)
        if isinstance(answers, Mapping):
            last = next(
                (message.text for message in reversed(request.messages) if message.role in ("user", "tool")), ""
            )
            for key, answer in answers.items():
                if key in last:
                    return answer
            raise ModelFailed(f"the table of {self.name} has no key that is in {_short(last)!r}", sent=False)
        place, self._used = self._used, self._used + 1
        if self.options.repeat and answers:
            return answers[place % len(answers)]
        if place >= len(answers):
            raise ModelFailed(
                f"the script of {self.name} has {len(answers)} answers and was asked for one more",
                sent=False,
                remedy="add an answer, or repeat the script",
            )
        return answers[place]

    def _input_usage(self, request: Request) -> Usage:
        """Prompt tokens, split into cached and fresh where a cache is simulated."""
        total, cached = estimate_request(request), 0
        if self.options.cache:
            tokens = estimate_tools(request.tools)
            chain = digest([tool.hash for tool in request.tools])
            served = True
            for message in request.messages:
                chain = hashlib.sha256(f"{chain}{message.hash}".encode()).hexdigest()
                tokens += estimate_message(message)
                served = served and chain in self._prefixes
                cached = tokens if served else cached
                self._prefixes.add(chain)
            # A provider always computes the last token itself.
            cached = min(cached, total - 1) if cached >= self.options.cache_minimum else 0
        return Usage(input=total - cached, cached_input=cached, images=_images(request))


class ReplayedModel:
    """Answers from a record by request hash; costs nothing but what the record says.

    Args:
        records: responses by `Request.hash`; a sequence is used in order, for requests that came more than once.
        name: of the model that was recorded.
        capabilities: of the model that was recorded.
        asked: the recorded requests, by which a mismatch can tell what differs.
    """

    def __init__(
        self,
        records: Mapping[str, Response | Sequence[Response]],
        *,
        name: str = "replayed",
        capabilities: Capabilities = SCRIPTED,
        asked: Sequence[Request] = (),
    ) -> None:
        self.name, self.capabilities = name, capabilities
        self._records, self._asked = records, tuple(asked)
        self._used: dict[str, int] = {}

    def bound(self, request: Request) -> Usage:
        """What the record says was used; the scripted count for a request it does not hold."""
        found = self._records.get(request.hash)
        responses = [found] if isinstance(found, Response) else list(found or ())
        used = [response.usage for response in responses if response.usage is not None]
        if not used:
            return Usage(input=estimate_request(request), output=_cap(request), images=_images(request))
        return Usage(
            input=max(usage.prompt for usage in used),
            output=max(usage.output for usage in used),
            images=max(usage.images for usage in used),
        )

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the recorded answer.

        Raises:
            ReplayMismatch: the record holds no answer to this request, or fewer than were asked for.
        """
        found = self._records.get(request.hash)
        if found is None:
            raise ReplayMismatch(f"the record of {self.name} holds no such request: {self._difference(request)}")
        if not isinstance(found, Response):
            place = self._used.get(request.hash, 0)
            self._used[request.hash] = place + 1
            if place >= len(found):
                raise ReplayMismatch(f"the record of {self.name} holds {len(found)} answers to this request, not more")
            found = found[place]
        yield Delta(found.text, found.tool_calls, found.logprobs, found.finish, found.usage, found.reported_cost)

    def _difference(self, request: Request) -> str:
        """Where the nearest recorded request differs."""
        if not self._asked:
            return f"it begins {_short(request.messages[0].text)!r}" if request.messages else "it has no messages"
        nearest = max(self._asked, key=lambda other: _alike(request, other))
        place = _alike(request, nearest)
        if place < max(len(request.messages), len(nearest.messages)):
            now = _short(request.messages[place].text) if place < len(request.messages) else None
            then = _short(nearest.messages[place].text) if place < len(nearest.messages) else None
            return f"message {place + 1} was {then!r}, now {now!r}"
        mine, theirs = request.to_json(), nearest.to_json()
        fields = [key for key in mine if mine[key] != theirs[key] and key != "max_output"]
        return f"{', '.join(fields) or 'nothing that is written down'} differs"


def from_file(path: Path, *, name: str = "") -> ScriptedModel:
    """The scripted model of a JSON or TOML file.

    A list is a list of answers. An object is a table, or has `answers` (a list or a table) beside options
    (`repeat`, `cache`, `cache_minimum`, `latency`, `chunks`). Its requests are in the journal, and not kept here.

    Raises:
        InputError: the file cannot be read, is not of this form, or names an unknown option.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise InputError(f"the script {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"the script {path} is no {path.suffix.lstrip('.').upper() or 'JSON'}: {error}") from error
    options: dict[str, Any] = {}
    if isinstance(data, dict) and "answers" in data:
        options = {key: value for key, value in data.items() if key != "answers"}
        data = data["answers"]
    if not isinstance(data, list | dict):
        raise InputError(f"the script {path} is neither a list of answers nor a table")
    known = {"repeat": bool, "cache": bool, "cache_minimum": int, "latency": (int, float), "chunks": int}
    for key, value in options.items():
        if key not in known or not isinstance(value, known[key]):  # type: ignore[arg-type]
            raise InputError(
                f"the script {path} has a wrong option {key}={value!r}", remedy=f"known: {', '.join(known)}"
            )
    for answer in data.values() if isinstance(data, dict) else data:
        _checked(answer, path)
    return ScriptedModel(data, name=name or f"scripted:{path}", options=ScriptOptions(**options, remember=False))


def _checked(answer: Any, path: Path) -> None:
    try:
        _response(answer)
    except (TypeError, KeyError) as error:
        raise InputError(
            f"the script {path} has an answer that is none: {_short(compact(answer))}",
            remedy='write words, {"tool": NAME, "arguments": {...}}, or a list of those',
        ) from error


def _deltas(answer: Any, request: Request, chunks: int, sent: Usage) -> list[Delta]:
    """The stream of an answer; the last Delta carries finish and usage."""
    if isinstance(answer, Sequence) and answer and all(isinstance(item, Delta) for item in answer):
        *before, last = answer
        whole = fold(answer)
        usage = last.usage or _with_output(sent, whole)
        return [*before, replace(last, finish=whole.finish if last.finish is None else last.finish, usage=usage)]
    response = _response(answer, sum(len(message.tool_calls) for message in request.messages))
    usage = response.usage
    if usage is None or usage == NO_USAGE:
        response = _cut(response, _cap(request))
        usage = _with_output(sent, response)
    text = response.text
    size = -(-len(text) // chunks) or 1
    pieces = [Delta(text=text[start : start + size]) for start in range(0, len(text), size)]
    last = pieces.pop() if pieces else Delta()
    end = replace(last, tool_calls=response.tool_calls, logprobs=response.logprobs, finish=response.finish, usage=usage,
                  reported_cost=response.reported_cost)  # fmt: skip
    return [*pieces, end]


def _response(answer: Any, before: int = 0) -> Response:
    """An answer as a whole response, without usage unless it came with it; `before` calls were made already.

    Raises:
        TypeError: it is none.
    """
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Message):
        return Response(answer, "tool_calls" if answer.tool_calls else "stop", None)
    if isinstance(answer, str):
        return Response(assistant(answer), "stop", None)
    if isinstance(answer, Mapping) and "tool" not in answer and ("text" in answer or "calls" in answer):
        calls = _calls(answer["calls"], before) if answer.get("calls") else []
        return Response(assistant(str(answer.get("text", "")), calls), "tool_calls" if calls else "stop", None)
    calls = _calls(answer if isinstance(answer, Sequence) else [answer], before)
    return Response(assistant("", calls), "tool_calls", None)


def _calls(items: Any, before: int) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for number, item in enumerate(items, start=before + 1):
        if isinstance(item, ToolCall):
            calls.append(item)
        elif isinstance(item, Mapping) and isinstance(item.get("tool"), str):
            arguments = item.get("arguments", {})
            whole = isinstance(arguments, Mapping)
            calls.append(ToolCall(f"call_{number}", item["tool"], dict(arguments) if whole else None,
                                  "" if whole else str(arguments)))  # fmt: skip
        else:
            raise TypeError(f"no answer: {item!r}")
    if not calls:
        raise TypeError("an empty list is no answer")
    return calls


def _cut(response: Response, cap: int) -> Response:
    """The response within `cap` output tokens: words first, then the calls that fit whole."""
    if _output_tokens(response) <= cap:
        return response
    text = response.text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate(text[:middle]) <= cap else (low, middle - 1)
    left = cap - estimate(text[:low])
    kept: list[ToolCall] = []
    for call in response.tool_calls if low == len(text) else ():
        left -= estimate_calls((call,))
        if left < 0:
            break
        kept.append(call)
    return replace(response, message=assistant(text[:low], kept), finish="length")


def _with_output(sent: Usage, response: Response) -> Usage:
    return replace(sent, output=_output_tokens(response))


def _output_tokens(response: Response) -> int:
    return estimate(response.text) + estimate_calls(response.tool_calls)


def _cap(request: Request) -> int:
    return DEFAULT_OUTPUT if request.max_output is None else request.max_output


def _images(request: Request) -> int:
    return sum(isinstance(part, Image) for message in request.messages for part in message.parts)


def _alike(one: Request, other: Request) -> int:
    """How many messages two requests share from the beginning."""
    pairs = zip(one.messages, other.messages, strict=False)
    return next((place for place, (mine, theirs) in enumerate(pairs) if mine.hash != theirs.hash),
                min(len(one.messages), len(other.messages)))  # fmt: skip


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."
