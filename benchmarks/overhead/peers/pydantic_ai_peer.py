"""Pydantic AI: `Agent.run` with a `FunctionModel`; instrumentation is off by default."""

from __future__ import annotations

from dialogue import ANSWER, FUNCTIONS, INSTRUCTIONS, TASK, Script
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from serving import serve


class Player:
    """Says what the script says."""

    def __init__(self) -> None:
        self.script = Script(0, 0)
        self.agent = Agent(FunctionModel(self.reply), instructions=INSTRUCTIONS, tools=list(FUNCTIONS))
        self.limits = UsageLimits(request_limit=None)  # 50 requests by default

    def reply(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        call = self.script.next()
        if call is not None:
            return ModelResponse(parts=[ToolCallPart(call.name, call.arguments, tool_call_id=call.id)])
        parts = [part for message in messages for part in message.parts]
        self.script.seen = [str(part.content) for part in parts if isinstance(part, ToolReturnPart)]
        return ModelResponse(parts=[TextPart(ANSWER)])

    async def run(self, script: Script) -> str:
        self.script = script
        return (await self.agent.run(TASK, usage_limits=self.limits)).output


if __name__ == "__main__":
    serve(Player().run, ("pydantic-ai-slim", "pydantic"))
