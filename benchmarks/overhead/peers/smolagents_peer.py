"""smolagents: `ToolCallingAgent` with a Model subclass; printing is off, since it would be most of the time."""

from __future__ import annotations

from typing import Any

from dialogue import ANSWER, FUNCTIONS, TASK, Script
from serving import serve
from smolagents import ChatMessage, LogLevel, MessageRole, Model, TokenUsage, ToolCallingAgent, tool
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction

SEEN = "Observation:\n"


class Scripted(Model):
    """Says what the script says; the last turn calls `final_answer`, which is how this framework ends a run."""

    def __init__(self) -> None:
        super().__init__(model_id="scripted")
        self.script = Script(0, 0)

    def generate(self, messages: list[ChatMessage], *_: Any, **__: Any) -> ChatMessage:
        call = self.script.next()
        if call is not None:
            function = ChatMessageToolCallFunction(name=call.name, arguments=call.arguments)
            asked = ChatMessageToolCall(id=call.id, type="function", function=function)
        else:
            texts = [message.content[0]["text"] for message in messages if message.role == MessageRole.TOOL_RESPONSE]
            self.script.seen = [text.removeprefix(SEEN) for text in texts]
            function = ChatMessageToolCallFunction(name="final_answer", arguments={"answer": ANSWER})
            asked = ChatMessageToolCall(id="call_final", type="function", function=function)
        usage = TokenUsage(input_tokens=100, output_tokens=20)
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[asked], token_usage=usage)


model = Scripted()
agent = ToolCallingAgent(
    tools=[tool(function) for function in FUNCTIONS], model=model, max_steps=1000, verbosity_level=LogLevel.OFF
)


def run(script: Script) -> str:
    model.script = script
    return str(agent.run(TASK))


if __name__ == "__main__":
    serve(run, ("smolagents",))
