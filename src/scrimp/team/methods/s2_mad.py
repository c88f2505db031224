"""S2-MAD: a debate in which only views that are new to an agent are told to it (arXiv 2502.04790).

Saves most of a complete debate: equal answers are not exchanged, who hears nothing new stays silent and makes no call,
and the debate ends when all agree. Within a round, agents hear their own group; where no group has anything new for
its members, one speaker for each view is heard across the groups. Only the last answers are remembered.

The paper's threshold of closeness was not to be read; ours is a parameter, and so is which embedder tells it.
"""

from __future__ import annotations

from scrimp.core.context import Context
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.team.parts.debate import PROMPTS, WARM, Team
from scrimp.team.parts.topology import groups
from scrimp.team.parts.views import Views, agreed, by_answer, by_words, new_across, new_within

CARD = Card(
    name="s2-mad",
    family="planner",
    title="S2-MAD",
    paper="2502.04790",
    saves="most of the tokens of a debate",
    against="complete-debate",
    claim="GPT-4 on GSM8K: 2.78K tokens and 94.2 % where complete debate takes 50.4K and 93.3 %; up to 94.5 % fewer",
    workload="boundary",
    n=100,
    margin=5.0,
    claimed_ratio=0.055,
    samples=True,
    verdicts={"oracle": "structure only"},
)

AGENTS, ROUNDS = 5, 4
CLOSENESS = 0.9
"""Cosine from which two answers count as one view, where words are compared."""
SAME = ("answer", "words")


@method(CARD)
class S2MAD:
    """Tell only what is new.

    Args:
        agents: in the team.
        rounds: most answers of each agent, the first one counted.
        group: most agents of a group; the square root of all where 0.
        same: what makes two answers one view: the final `answer`, or the `words` of the whole.
        closeness: cosine of two answers of one view, for `words`.
        temperature: of every agent.
    """

    prompts = PROMPTS

    def __init__(
        self,
        agents: int = AGENTS,
        rounds: int = ROUNDS,
        group: int = 0,
        same: str = "answer",
        closeness: float = CLOSENESS,
        temperature: float = WARM,
    ) -> None:
        if agents < 1 or rounds < 1 or group < 0:
            raise ValueError("agents and rounds are 1 or more")
        if same not in SAME:
            raise ValueError(f"same is one of {', '.join(SAME)}")
        self.agents, self.rounds, self.group = agents, rounds, group
        self.same, self.closeness, self.temperature = same, closeness, temperature

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Debate until all agree, nobody hears anything new, or rounds or budget end; then vote."""
        team = await Team.assemble(self.agents, task, ctx, self.temperature)
        divided = groups(tuple(team.agents), self.group)
        await team.first()
        for _ in range(self.rounds - 1):
            views = await self._views(team, ctx)
            if team.refusal is not None or agreed(views):
                break
            told = [pair for group in divided for pair in new_within(group, views)] or new_across(divided, views)
            await team.round(told, forget=True)
        return team.verdict()

    async def _views(self, team: Team, ctx: Context) -> Views:
        if self.same == "answer":
            return by_answer(team.answers)
        texts = {name: agent.text for name, agent in team.agents.items() if agent.answer is not None}
        return await by_words(texts, self.closeness, ctx.child("team"))
