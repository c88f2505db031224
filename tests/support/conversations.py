"""A conversation with tool calls, for the tests of transforms."""

from __future__ import annotations

from scrimp.core.messages import Image, Message, Request, ToolCall, ToolSpec, assistant, observation, system, user

TOOLS = tuple(
    ToolSpec(f"get_{name}", f"Get the {name} of a city. It is looked up in a table that is renewed every day.",
             {"type": "object", "title": "T", "required": ["city"], "properties": {
                 "city": {"type": "string", "description": "The name of the city, as it is written on the spot.",
                          "default": "Oslo"},
                 "description": {"type": "string", "enum": ["short form", "long form"]}}})
    for name in ("weather", "population", "mayor", "altitude", "history")
)  # fmt: skip


def conversation(results: int = 5, size: int = 600, *, pictures: bool = False, same: bool = False) -> Request:
    """A system prompt, a question, and so many tool results of that many characters, each after its call."""
    messages: list[Message] = [system("You help."), user("What is the weather in Oslo?")]
    for at in range(results):
        call = ToolCall(f"c{at}", "get_weather", {"city": f"town {0 if same else at}"})
        text = ("same " if same else f"{at} ") * (size // (5 if same else 2))
        messages += [assistant("", [call]), observation(call, text[:size])]
        if pictures:
            messages.append(user("look", Image(data="abc", width=1600, height=800)))
    return Request(tuple(messages), TOOLS)


def prefixes(request: Request) -> list[Request]:
    """The requests of a run that ends with this one: each is the beginning of the next."""
    ends = [at for at, message in enumerate(request.messages) if message.role == "assistant"]
    return [request.with_(messages=request.messages[:end]) for end in [*ends, len(request.messages)]]
