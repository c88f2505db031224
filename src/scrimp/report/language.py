"""The page's words in two languages. Templates and charts write English; `Words` gives the other language's words.

What is measured has no language: names of Systems, of tools, of components in the ledger and whatever an agent said
stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")


@cache
def chinese() -> dict[str, str]:
    """Chinese words by the English ones."""
    words: dict[str, str] = json.loads((files(__package__) / "chinese.json").read_text(encoding="utf-8"))
    return words


@dataclass(frozen=True)
class Words:
    """One language's words, by the English ones."""

    language: str

    def __call__(self, english: str) -> str:
        """The words in this language.

        Raises:
            KeyError: the English words have no translation; a test finds it.
        """
        return english if self.language == "en" else chinese()[" ".join(english.split())]

    def told(self, said: str) -> str:
        """What a document says, in this language where it has words for it, else as it stands."""
        return said if self.language == "en" else chinese().get(said, said)
