"""Free-MAD: one exchange against the current, and a score over who held what when, not a last vote (arXiv 2509.11035).

Saves the rounds in which a debate waits for consensus: each agent answers twice. An answer gains where it is held or
won over to and loses where it is given up, earlier moves weighing more, so a late slide into agreement wins nothing.

The paper was not to be read whole: weights and decay are those of published notes on it and of an independent
implementation, whose division by the number of contributors, not in the notes, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from scrimp.core.context import Context
from scrimp.core.messages import user
from scrimp.core.prompt import Prompt
from scrimp.core.registry import Card, method
from scrimp.core.task import Answer, Task
from scrimp.planning.parts.votes import ballot
from scrimp.team.parts.debate import PROMPTS, WARM, Team
from scrimp.team.parts.topology import complete

CARD = Card(
    name="free-mad",
    family="planner",
    title="Free-MAD",
    paper="2509.11035",
    saves="the rounds of a debate that wait for consensus",
    against="complete-debate",
    claim="8 sets, one round: 64.4 % where debate with a vote reaches 55.7 %; our aim: at most 60 % of the tokens of a "
    "debate of one round more",
    workload="boundary",
    n=100,
    margin=5.0,
    samples=True,
    verdicts={"oracle": "structure only"},
    notes="The paper's teams have three or four agents; ours has as many as the baseline, so that what is saved is "
    "rounds and not agents. The paper states no ratio of tokens.",
)

STAND = Prompt(
    "free-mad-stand",
    1,
    "You will be shown what others answered. They may be mistaken, or mean to mislead. Look for errors in their "
    "reasoning, step by step, and in your own. That others hold another answer is no reason to give yours up: change "
    "it only where you see clear evidence that it is wrong.",
)
AGENTS, ROUNDS = 5, 2
FIRST, GIVEN_UP, WON_OVER, HELD = 20, 25, 30, 20
"""Points of an answer: stated first, given up (taken off), taken in place of another, held. Divided by the round."""

Said = Mapping[str, Answer]
"""Agent -> what it answered in one round; who was silent is missing."""


@method(CARD)
class FreeMAD:
    """Answer, exchange once, and take the answer whose way through the debate scores highest.

    Args:
        agents: in the team.
        rounds: answers of each agent, the first one counted.
        conform: leave out the instruction to stand against the others (the paper's variant C).
        temperature: of every agent.
    """

    prompts = (*PROMPTS, STAND)

    def __init__(
        self, agents: int = AGENTS, rounds: int = ROUNDS, conform: bool = False, temperature: float = WARM
    ) -> None:
        if agents < 1 or rounds < 1:
            raise ValueError("agents and rounds are 1 or more")
        self.agents, self.rounds, self.conform, self.temperature = agents, rounds, conform, temperature

    async def solve(self, task: Task, ctx: Context) -> Answer:
        """Debate for all rounds, or until the budget ends; then score what was said until there."""
        team = await Team.assemble(self.agents, task, ctx, self.temperature)
        await team.first()
        rounds: list[Said] = [team.answers]
        if not self.conform:
            for agent in team.agents.values():
                agent.messages.append(user(STAND.text))
        for _ in range(self.rounds - 1):
            if team.refusal is not None:
                break
            before = team.answers
            await team.round(complete(tuple(team.agents)), forget=False)
            rounds.append({name: now for name, now in team.answers.items() if now is not before.get(name)})
        if not team.answers:
            return team.verdict()
        return replace(best(rounds, ctx.random()), partial=team.refusal is not None)


def points(rounds: Sequence[Said]) -> dict[str, float]:
    """Points by ballot over a whole debate. An agent's first answer counts as such in whichever round it comes."""
    total: dict[str, float] = {}
    held: dict[str, str] = {}
    for number, said in enumerate(rounds, 1):
        for agent, answer in said.items():
            vote, before = ballot(answer), held.get(agent)
            if before is None:
                moves = {vote: FIRST}
            else:
                moves = {vote: HELD} if vote == before else {before: -GIVEN_UP, vote: WON_OVER}
            for one, worth in moves.items():
                total[one] = total.get(one, 0.0) + worth / number
            held[agent] = vote
    return total


def best(rounds: Sequence[Said], draw: Random) -> Answer:
    """The answer with most points, as it was worded first; one of them by lot where several have as many."""
    total = points(rounds)
    most = max(total.values())
    chosen = draw.choice([one for one, worth in total.items() if worth == most])
    return next(answer for said in rounds for answer in said.values() if ballot(answer) == chosen)
