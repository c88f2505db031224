"""Tokens, counted the same way for every provider."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, or of a sum of calls.

    `input` is fresh tokens only; what a cache served is `cached_input`, what was written to a
    cache at a premium is `cache_write`. `output` includes `reasoning`. `images` counts images sent.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    images: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.cached_input + other.cached_input,
            self.cache_write + other.cache_write,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.images + other.images,
        )

    @property
    def prompt(self) -> int:
        """Tokens sent, whatever they cost."""
        return self.input + self.cached_input + self.cache_write

    @property
    def total(self) -> int:
        """Tokens sent and received; what the budget key `tokens` counts."""
        return self.prompt + self.output

    def to_json(self) -> dict[str, int]:
        """The outward form of COMMANDS: six integers."""
        return {
            "input": self.input,
            "cached_input": self.cached_input,
            "cache_write": self.cache_write,
            "output": self.output,
            "reasoning": self.reasoning,
            "images": self.images,
        }


NO_USAGE = Usage()
