"""LangGraph: a fake chat model with tool calls in a prebuilt ReAct graph.

Variants: `graph` (langgraph's own create_react_agent, asked with `invoke`), `async` (the same with `ainvoke`), `agent`
(langchain's create_agent, which takes its place), `sqlite` (create_react_agent with a SqliteSaver checkpointer).
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dialogue import ANSWER, FUNCTIONS, INSTRUCTIONS, TASK, Script
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from serving import serve

warnings.simplefilter("ignore")  # create_react_agent has moved to langchain; both are measured


class Scripted(BaseChatModel):
    """Says what the script says."""

    script: Any = None

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Runnable[Any, Any]:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        call = self.script.next()
        if call is not None:
            asked = {"id": call.id, "name": call.name, "args": call.arguments}
            said = AIMessage(content="", tool_calls=[asked])
        else:
            self.script.seen = [str(message.content) for message in messages if isinstance(message, ToolMessage)]
            said = AIMessage(content=ANSWER)
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **rest: Any
    ) -> ChatResult:
        return self._generate(messages, stop, None, **rest)  # the default would hop to a thread


class Player:
    """A graph whose model plays the current script."""

    def __init__(self, variant: str, folder: Path) -> None:
        self.model = Scripted()
        if variant == "agent":
            from langchain.agents import create_agent

            self.graph: Any = create_agent(self.model, list(FUNCTIONS), system_prompt=INSTRUCTIONS)
            return
        from langgraph.prebuilt import create_react_agent

        saver = None
        if variant == "sqlite":
            from langgraph.checkpoint.sqlite import SqliteSaver

            saver = SqliteSaver(sqlite3.connect(folder / "checkpoints.sqlite", check_same_thread=False))
        self.graph = create_react_agent(self.model, list(FUNCTIONS), prompt=INSTRUCTIONS, checkpointer=saver)

    def _order(self, script: Script) -> tuple[dict[str, Any], dict[str, Any]]:
        self.model.script = script
        config = {"recursion_limit": 10_000, "configurable": {"thread_id": f"{script.rounds}-{script.run}"}}
        return {"messages": [("user", TASK)]}, config

    def run(self, script: Script) -> str:
        return str(self.graph.invoke(*self._order(script))["messages"][-1].content)

    async def arun(self, script: Script) -> str:
        return str((await self.graph.ainvoke(*self._order(script)))["messages"][-1].content)


if __name__ == "__main__":
    variant = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        player = Player(variant, Path(name))
        serve(
            player.arun if variant == "async" else player.run,
            ("langgraph", "langchain", "langchain-core", "langgraph-checkpoint-sqlite"),
        )
