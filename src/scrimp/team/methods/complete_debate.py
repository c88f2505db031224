"""Complete debate: in every round every agent reads the last answer of every other one (arXiv 2305.14325).

It saves nothing: what it sends grows with the square of the agents. The baseline that sparse teams are held against.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.team.parts.debate import PROMPTS, WARM, Team
from scrimp.team.parts.topology import complete

CARD = Card(
    name="complete-debate",
    family="planner",
    title="Complete debate",
    paper="2305.14325",
    saves="",
    against="",
    samples=True,
    notes="A baseline: all agents, all rounds, all answers, and each agent's whole conversation is kept.",
)

AGENTS, ROUNDS = 5, 4


@method(CARD)
class CompleteDebate:
    """All agents hear all others, in all rounds.

    Args:
        agents: in the team.
        rounds: answers of each agent, the first one counted.
        temperature: of every agent.
    """

    prompts = PROMPTS

    def __init__(self, agents: int = AGENTS, rounds: int = ROUNDS, temperature: float = WARM) -> None:
        if agents < 1 or rounds < 1:
            raise ValueError("agents and rounds are 1 or more")
        self.agents, self.rounds, self.temperature = agents, rounds, temperature

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Debate for all rounds, or until the budget ends; then vote."""
        team = await Team.assemble(self.agents, task, ctx, self.temperature)
        await team.first()
        for _ in range(self.rounds - 1):
            if team.refusal is not None:
                break
            await team.round(complete(tuple(team.agents)), forget=False)
        return team.verdict()
