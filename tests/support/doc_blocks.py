"""Finding in a Markdown text what can be run or checked: Python blocks, shell commands, files to write.

Blocks are fenced, and what follows the language says how they are treated:

    ```python            run, with the names of the page's earlier Python blocks at hand
    ```sh, bash, console every `scrimp` line is run; `make`, `pip` and `python` lines are checked
    ```sh no-run         nothing is run, everything is checked
    ```toml file=my.toml written to the page's folder first, so that later blocks can name it

In a block where any line starts with `$ `, only those lines are commands and the rest is output. A trailing
`# exit 3` states the exit code that is expected. Any other block is left alone.

What the scripted model says on a page is in a comment that readers do not see, as a list or a table of answers:

    <!-- script
    {"Oslo": [{"tool": "weather", "arguments": {"city": "Oslo"}}], "rain": "Take an umbrella."}
    -->
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHELLS = {"sh", "bash", "shell", "console"}
_FENCE = re.compile(r"^(?P<indent> {0,12})(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
_SCRIPT = re.compile(r"^<!-- script\s*\n(.*?)^-->", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\bexit (\d+)\s*$")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"])*\"|\\.")
_DESCRIPTOR = re.compile(r"\s[0-9](?=[<>])")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, its text, and the line its text starts at (from 1)."""

    language: str
    marks: tuple[str, ...]
    text: str
    line: int

    @property
    def runs(self) -> bool:
        return "no-run" not in self.marks

    @property
    def file(self) -> str:
        """Name of the file that the block is, empty for none."""
        return next((mark.removeprefix("file=") for mark in self.marks if mark.startswith("file=")), "")


@dataclass(frozen=True)
class Command:
    """One shell line, continuations joined; `text` is without prompt and comment."""

    text: str
    line: int
    runs: bool
    exit_code: int = 0

    @property
    def simple(self) -> list[list[str]]:
        """Its simple commands as words, split at pipes and the like, without redirections and leading `NAME=value`."""
        lexer = shlex.shlex(_DESCRIPTOR.sub(" ", self.text), posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = ""
        parts: list[list[str]] = [[]]
        skip = False
        for word in lexer:
            if skip:
                skip = False
            elif set(word) <= set("<>&") and set(word) & set("<>"):
                skip = True
            elif set(word) <= set("|&;()"):
                parts.append([])
            elif parts[-1] or not _ASSIGNMENT.match(word):
                parts[-1].append(word)
        return [part for part in parts if part]

    @property
    def programs(self) -> set[str]:
        return {part[0] for part in self.simple}


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown text, in order.

    Raises:
        ValueError: a fence is not closed.
    """
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        number += 1
        if not fence:
            continue
        start, body = number, []
        closing = re.compile(rf"^ {{0,12}}{re.escape(fence['mark'][0])}{{{len(fence['mark'])},}}\s*$")
        while number < len(lines) and not closing.match(lines[number]):
            body.append(lines[number].removeprefix(fence["indent"]))
            number += 1
        if number == len(lines):
            raise ValueError(f"line {start}: this fence is not closed")
        number += 1
        words = fence["info"].replace("{", " ").replace("}", " ").replace(",", " ").split()
        yield Block(words[0].lower() if words else "", tuple(words[1:]), "\n".join(body) + "\n", start + 1)


def script(text: str) -> Any:
    """What the scripted model says on this page, None where the page does not state it.

    Raises:
        ValueError: it is no JSON.
    """
    found = _SCRIPT.search(text)
    return json.loads(found[1]) if found else None


def commands(block: Block) -> Iterator[Command]:
    """The commands of a shell block, in order; none for a block of another language."""
    if block.language not in SHELLS:
        return
    lines = block.text.splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        number += 1
        if prompted and not line.startswith("$ "):
            continue
        words = line.removeprefix("$ ").strip()
        while words.endswith("\\") and number < len(lines):
            words = words[:-1].rstrip() + " " + lines[number].strip().removeprefix("> ")
            number += 1
        words, comment = without_comment(words)
        stated = _EXIT.search(comment)
        if words:
            yield Command(words, block.line + first, block.runs, int(stated[1]) if stated else 0)


def without_comment(line: str) -> tuple[str, str]:
    """A shell line and the comment after it; a `#` inside quotes or a word opens none."""
    hidden = _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), line)
    mark = re.search(r"(?:^|\s)#", hidden)
    return (line[: mark.start()].strip(), line[mark.end() :].strip()) if mark else (line.strip(), "")
