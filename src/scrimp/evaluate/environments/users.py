"""Who an agent speaks to at a service desk: a script, or a model that plays a user.

A user has no state: what was said so far is handed in, so a world can be taken up where it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from scrimp.core.messages import assistant, system, user
from scrimp.core.prompt import Prompt

Talk = Sequence[tuple[str, str]]
"""What was said: the agent's words and the user's reply, in turn."""

AGREES = "Yes, that is right; please go on. I have nothing to add."
SILENT = "(The user says nothing.)"
LEFT = "(The user has ended the conversation.)"


class User(Protocol):
    """Someone who replies."""

    async def reply(self, talk: Talk, words: str, ctx: Any) -> str:
        """What the user says to the agent's words.

        Args:
            talk: what was said before.
            ctx: the world's, for a user who is a model.
        """
        ...


@dataclass(frozen=True)
class Scripted:
    """Says all there is to say at first, and then only agrees: a test of the harness, no measure of an agent."""

    instruction: str

    async def reply(self, talk: Talk, words: str, ctx: Any) -> str:
        """The whole instruction, or that all is well."""
        return AGREES if talk else self.instruction


@dataclass(frozen=True)
class Played:
    """A model that plays the user; what it costs is the harness's.

    Args:
        prompt: what it is told, with the hole `$instruction`.
    """

    prompt: Prompt
    instruction: str

    async def reply(self, talk: Talk, words: str, ctx: Any) -> str:
        """What the model of role `user` says.

        Raises:
            ModelFailed: it could not answer.
        """
        messages = [system(self.prompt.render(instruction=self.instruction))]
        for said, heard in talk:
            messages += [user(said), assistant(heard)]
        response = await ctx.complete([*messages, user(words)], prompt=self.prompt, model="user")
        return str(response.text).strip() or SILENT
