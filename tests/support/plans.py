"""A scene of the conformance suite for planners whose plans are lines of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from scrimp.core.messages import Request
from scrimp.core.tool import Tool
from scrimp.testing.conformance import Scene
from scrimp.testing.conformance.scene import ANSWER, Script, arguments

Line = Callable[[int, str, str], str]
"""Number, tool and arguments as JSON -> a line of the plan."""


def scene(line: Line, *asking: str, answer: str = ANSWER) -> Scene:
    """A model that plans a call of each tool where a prompt named in `asking` asks, and answers anywhere else."""

    def script(tools: Sequence[Tool]) -> Script:
        def say(request: Request) -> Any:
            if request.prompt.partition("@")[0] not in asking:
                return answer
            made = [(tool.name, json.dumps(arguments(tool), ensure_ascii=False)) for tool in tools]
            return "\n".join(line(number, *call) for number, call in enumerate(made, 1))

        return say

    return Scene(script)
