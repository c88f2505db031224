"""Shorten schemas: descriptions of tools and parameters are cut to so many words.

Saves the schemas' tokens in every call; names, types, choices and what is required stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scrimp.core.messages import Request, ToolSpec
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.tools.parts.kept import Kept

CARD = Card(
    name="shorten-schemas",
    family="transform",
    title="Shortened tool schemas",
    saves="prompt tokens of tool descriptions",
    against="all-tools",
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "structure only"},
)
DROPPED = ("title", "default", "example", "examples", "$comment", "deprecated")
"""Keys of a schema that a model can do without."""


@method(CARD)
class ShortenSchemas:
    """Cut descriptions.

    Args:
        words: words of a tool's description that stay, at most its first sentence.
        parameter_words: the same of a parameter's.
    """

    def __init__(self, words: int = 12, parameter_words: int = 6) -> None:
        if words < 1 or parameter_words < 0:
            raise ValueError("words is 1 or more, parameter_words 0 or more")
        self.words, self.parameter_words = words, parameter_words
        self._short = Kept(self._all)

    def apply(self, request: Request) -> Request:
        """The request with short schemas."""
        tools = self._short.of(request.tools)
        return request if tools is request.tools else request.with_(tools=tools)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE

    def _all(self, tools: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
        short = tuple(map(self._one, tools))
        return tools if short == tools else short

    def _one(self, spec: ToolSpec) -> ToolSpec:
        return ToolSpec(spec.name, _cut(spec.description, self.words), self._schema(spec.parameters))

    def _schema(self, schema: Any, inside: bool = False) -> Any:
        """A schema without what can be done without; `inside` properties, where every key is a parameter's name."""
        if isinstance(schema, list):
            return [self._schema(item) for item in schema]
        if not isinstance(schema, Mapping):
            return schema
        out: dict[str, Any] = {}
        for key, value in schema.items():
            if not inside and key in DROPPED:
                continue
            if not inside and key == "description" and isinstance(value, str):
                if short := _cut(value, self.parameter_words):
                    out[key] = short
            elif key in ("enum", "required", "const"):
                out[key] = value
            else:
                out[key] = self._schema(value, inside=key in ("properties", "$defs") and not inside)
        return out


def _cut(text: str, words: int) -> str:
    """The first sentence, and of that the first words; a Chinese character counts as half a word."""
    sentence = text.strip().split("\n", 1)[0]
    for end in (". ", "。", "; ", "；"):
        sentence = sentence.split(end, 1)[0]
    if words == 0:
        return ""
    if not sentence.isascii() and len(sentence.split()) < len(sentence) / 8:
        return sentence[: 2 * words]
    return " ".join(sentence.split()[:words])
