"""OpenAI Agents SDK: `Runner.run` with a Model subclass. Variants: `quiet` (set_tracing_disabled), `traced` (default).

Without an API key the traces that the default makes are dropped, never sent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from dialogue import ANSWER, FUNCTIONS, INSTRUCTIONS, TASK, Script
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from serving import serve


class Scripted(Model):
    """Says what the script says."""

    def __init__(self) -> None:
        self.script = Script(0, 0)

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        call = self.script.next()
        usage = Usage(requests=1, input_tokens=100, output_tokens=20, total_tokens=120)
        if call is not None:
            asked = ResponseFunctionToolCall(
                call_id=call.id, name=call.name, arguments=json.dumps(call.arguments), type="function_call"
            )
            return ModelResponse(output=[asked], usage=usage, response_id=None)
        self.script.seen = [str(item["output"]) for item in input if item.get("type") == "function_call_output"]
        text = ResponseOutputText(text=ANSWER, type="output_text", annotations=[])
        message = ResponseOutputMessage(
            id="answer", content=[text], role="assistant", status="completed", type="message"
        )
        return ModelResponse(output=[message], usage=usage, response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError("nothing here streams")


model = Scripted()
agent = Agent(
    name="agent", instructions=INSTRUCTIONS, model=model, tools=[function_tool(function) for function in FUNCTIONS]
)


async def run(script: Script) -> str:
    model.script = script
    return str((await Runner.run(agent, TASK, max_turns=1000)).final_output)


if __name__ == "__main__":
    set_tracing_disabled(sys.argv[1] == "quiet")
    serve(run, ("openai-agents", "openai", "pydantic"))
