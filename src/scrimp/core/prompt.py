"""Prompts as data: name, version, text with `$holes`, output schema, hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Template
from typing import Any

from scrimp.core.messages import digest


@dataclass(frozen=True)
class Prompt:
    """A named, versioned instruction. Change the text, change the version.

    `schema` is the JSON schema of the answer it asks for, None where that is free text.
    """

    name: str
    version: int
    text: str
    schema: Mapping[str, Any] | None = None

    @property
    def ref(self) -> str:
        """`name@version`, as events and requests carry it."""
        return f"{self.name}@{self.version}"

    @cached_property
    def hash(self) -> str:
        return digest([self.name, self.version, self.text, self.schema])

    def render(self, **holes: str) -> str:
        """The text with its holes filled; a hole left open is a KeyError."""
        return Template(self.text).substitute(holes)
