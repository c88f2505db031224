"""Tool calls for models that have none of their own: a Model that holds a Model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from scrimp.core.messages import Delta, Fold, Message, Part, Request, Response, Text, ToolCall
from scrimp.core.protocols import Model
from scrimp.core.usage import Usage
from scrimp.models.schemas import strict_schema
from scrimp.models.tokens import upper_bound
from scrimp.models.tool_text_format import Reading, Style, dumps, instructions, read, reply_schema, written

__all__ = ["ToolText", "strict_schema"]


class ToolText:
    """Tells a model of its tools in words, holds its reply to a JSON schema and reads the calls out of it.

    The prompt only grows from turn to turn of a run, so that prefix caches serve it: tools and the form of the
    reply stand in the first system message, a turn of the model is shown again as the JSON it wrote, and results
    follow as a message of the user. The thought of a turn is its text.

    Args:
        inner: the model, whose own tool calls are not used.
        style: `json` shows each tool as JSON on one line, `signature` as `name(argument: type) - description`.
        thought: let the model write a short thought before it calls or answers.
    """

    def __init__(self, inner: Model, style: Style = "json", *, thought: bool = True) -> None:
        self.inner, self.style, self.thought = inner, style, thought
        self.name = inner.name
        self.capabilities = replace(inner.capabilities, tools=True)

    def __repr__(self) -> str:
        return f"ToolText({self.inner!r}, {self.style!r}, thought={self.thought})"

    def bound(self, request: Request) -> Usage:
        """The bound of what is really sent."""
        return self.inner.bound(self.render(request))

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield the answer; empty Deltas mark progress while the reply is being written.

        Raises:
            ModelFailed: the inner model could not answer.
        """
        rendered = self.render(request)
        collected = Fold()
        async with closing(self.inner.stream(rendered)) as deltas:
            async for delta in deltas:
                if rendered is request:
                    yield delta
                    continue
                collected.add(delta)
                yield Delta(logprobs=delta.logprobs, unseen=delta.unseen + upper_bound(delta.text))
        if rendered is not request:
            yield self._last(request, collected.response())

    def render(self, request: Request) -> Request:
        """The request as the inner model gets it; the same object where no tools and no calls are in it."""
        told = any(message.tool_calls or message.role == "tool" for message in request.messages)
        if not request.tools and not told:
            return request
        messages = self._messages(request)
        if not request.tools:
            return request.with_(messages=messages)
        text = instructions(request.tools, self.style, self.thought, request.schema)
        schema = None
        if self.inner.capabilities.schema != "none":
            schema = reply_schema(request.tools, self.thought, request.parallel_calls, request.schema)
        return request.with_(messages=_told(messages, text), tools=(), schema=schema, parallel_calls=True)

    async def aclose(self) -> None:
        """Close the inner model, where it can be closed."""
        close = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()

    def _messages(self, request: Request) -> tuple[Message, ...]:
        """The messages without calls and tool messages: JSON the model wrote, results the user reports."""
        out: list[Message] = []
        labels: dict[str, str] = {}
        results: list[Part] = []
        for message in request.messages:
            if message.role == "tool":
                label = labels.get(message.tool_call_id, "Result")
                images = tuple(part for part in message.parts if not isinstance(part, Text))
                results += (Text(f"{label}: {message.text}"), *images)
                continue
            out += _reported(results)
            results = []
            if message.role == "assistant" and message.tool_calls:
                labels.update(_labels(message.tool_calls))
                text = written(message.text, message.tool_calls, self.thought)
                out.append(Message("assistant", (Text(text),)))
            elif message.role == "assistant" and request.tools:
                out.append(Message("assistant", (Text(dumps({"answer": message.text})),)))
            else:
                out.append(message)
        return (*out, *_reported(results))

    def _last(self, request: Request, response: Response) -> Delta:
        """The whole reply as one Delta."""
        text = response.text
        names = [tool.name for tool in request.tools]
        calls = response.tool_calls
        if not calls and not (request.schema is not None and not request.tools):
            reading = read(text, names)
            calls = self._calls(request, text, reading)
            text = reading.thought if calls else _answer(reading.answer, text)
        finish = response.finish
        if calls and all(call.arguments is not None for call in calls):
            finish = "tool_calls"
        return Delta(text=text, tool_calls=calls, finish=finish, usage=response.usage,
                     reported_cost=response.reported_cost)  # fmt: skip

    def _calls(self, request: Request, text: str, reading: Reading) -> tuple[ToolCall, ...]:
        """The calls with ids of their own; the first keeps the text where its canonical form is another."""
        if not request.tools:
            return ()
        before = sum(len(message.tool_calls) for message in request.messages)
        calls = [
            ToolCall(f"call_{before + number}", name, arguments)
            for number, (name, arguments) in enumerate(reading.calls, start=1)
        ]
        differs = bool(calls) and written(reading.thought, calls, self.thought) != text
        return tuple(
            replace(call, raw=text) if call.arguments is None or (differs and place == 0) else call
            for place, call in enumerate(calls)
        )


@asynccontextmanager
async def closing(stream: AsyncIterator[Delta]) -> AsyncIterator[AsyncIterator[Delta]]:
    """Close a stream on the way out, so that a cut reaches the server at once."""
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def _answer(value: object, text: str) -> str:
    if isinstance(value, str):
        return value
    return text if value is None else dumps(value)


def _told(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """The messages with `text` at the end of the first system message, which is made where there is none."""
    for place, message in enumerate(messages):
        if message.role == "system":
            joined = Message("system", (Text(f"{message.text}\n\n{text}"),))
            return (*messages[:place], joined, *messages[place + 1 :])
    return (Message("system", (Text(text),)), *messages)


def _labels(calls: tuple[ToolCall, ...]) -> dict[str, str]:
    """How the result of each call is announced; calls of one name are told apart by their place."""
    names = [call.name for call in calls]
    return {
        call.id: f"Result of {call.name}" + (f" (call {place})" if names.count(call.name) > 1 else "")
        for place, call in enumerate(calls, start=1)
    }


def _reported(results: list[Part]) -> list[Message]:
    """Results in a row as one message of the user."""
    if not results:
        return []
    if all(isinstance(part, Text) for part in results):
        return [Message("user", (Text("\n".join(part.text for part in results if isinstance(part, Text))),))]
    return [Message("user", tuple(results))]
