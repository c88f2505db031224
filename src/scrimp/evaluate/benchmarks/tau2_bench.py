"""tau2-bench, retail and airline: tau-bench with corrected tasks. Barres et al. 2025 (arXiv 2506.07982).

The reward is the product of the parts that a task names: DB (the database ends as the gold actions leave it),
COMMUNICATE (all is said that must be), ACTION (every gold action was taken) and NL_ASSERTION (what a judge is asked of
the conversation). A judge is a model: `judge=MODEL`, asked once for each assertion; without one the other parts alone
make the reward, and the detail says so (a third of the retail conversations, none of the airline's). Ended before its
time (100 turns of the agent, 10 failed calls) is 0. Telecom, whose user has tools too, is not here.

The user is `scripted`, `none` or a model, as in `tau_bench`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scrimp.core.errors import UnknownName
from scrimp.core.messages import user as user_says
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Environment
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.checking import check
from scrimp.evaluate.benchmarks.files import Row, Source, bad, by_id, field, one_of, texts
from scrimp.evaluate.benchmarks.gold import Gold
from scrimp.evaluate.benchmarks.tau_parts import DOMAINS, SCRIPTED, Desks, Item, Setting, early, read_calls, total
from scrimp.evaluate.environments.desk_world import House

STEPS, ERRORS = 100, 10
STOPS = ("###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###")
BASES = ("DB", "ENV_ASSERTION", "COMMUNICATE", "ACTION", "NL_ASSERTION")
"""Parts of the reward; ENV_ASSERTION is of the telecom domain, and holds where nothing is asserted."""

TOLD = (
    ("persona", "Who you are"), ("reason_for_call", "Why you call"), ("known_info", "What you know"),
    ("unknown_info", "What you do not know"), ("task_instructions", "How you behave"),
)  # fmt: skip
"""Fields of a user's scenario, and what stands before each."""

PLAYER = Prompt(
    "tau2-bench-user",
    1,
    "You are a customer who contacts a service agent. This is your part:\n$instruction\n\n"
    "Write one message at a time, in your own words and as a person would. Follow your part strictly. Tell things "
    "little by little, when they are asked for. Make nothing up: what does not stand in your part is not known to you. "
    f"When you have what you want, write {STOPS[0]}. If you are handed over to another agent, write {STOPS[1]}. If "
    f"your part does not tell you how to go on, write {STOPS[2]}.",
)
JUDGE = Prompt(
    "tau2-bench-judge",
    1,
    "Here is a conversation between a service agent and a customer, with what the agent did in between.\n\n$talk\n\n"
    "Does this hold of the agent: $assertion\nReply with yes or no only.",
)
SETTING = Setting(
    second=True,
    policy="{}_policy.md",
    database="{}_db",
    house=House(stops=STOPS, steps=STEPS - 1, errors=ERRORS),
    player=PLAYER,
    steps=STEPS,
)


class Tau2Bench:
    """The retail and airline domains of tau2-bench as a Benchmark.

    Args:
        data: folder of the files; else SCRIMP_DATA; `sample` for our own few.
        user: `scripted`, `none`, or the name of the model that plays the user.
        judge: name of the model that judges what NL_ASSERTION names; none where empty.
    """

    name = "tau2_bench"
    title = "tau2-bench, retail and airline: service conversations under a policy"
    splits = DOMAINS
    default_split = "retail"
    metrics = ("reward: database, words, actions (success)", "NL_ASSERTION (part of it; needs a judge model)")
    licence = "MIT"

    def __init__(self, data: Path | str | None = None, user: str = SCRIPTED, judge: str = "") -> None:
        self._source = Source("tau2_bench", data)
        self._desks = Desks(self._source, SETTING, user)
        self.version = self._source.version("a2c0247")
        self.roles = {**self._desks.roles, **({"judge": judge} if judge else {})}
        self.figures = self._desks.figures
        self._split = cache(self._read)

    def tasks(self, split: str = "retail") -> Iterator[Task]:
        """The conversations of a domain.

        Raises:
            UnknownName: no such split.
        """
        if split not in DOMAINS:
            raise UnknownName("split of tau2_bench", split, DOMAINS)
        return (self._desks.task(item) for item in self._split(split).values())

    def gold(self, task_id: str) -> Gold:
        """The gold actions and what must be said; for scorers and the oracle only."""
        return self._desks.gold(self._item(task_id))

    def environment(self, task: Task) -> Environment:
        """A fresh world for a task."""
        return self._desks.world(self._item(task.id))

    async def score(self, task: Task, answer: Answer, ctx: Any = None) -> Score:
        """The official reward, without NL_ASSERTION where there is no judge.

        Raises:
            ModelFailed: the judge could not answer.
        """
        item = self._item(task.id)
        if (over := early(answer)) is not None:
            return over
        parts = self._desks.parts(item, answer)
        wanted = item.assertions if "NL_ASSERTION" in item.basis else ()
        if not wanted or "judge" not in self.roles:
            return total(item, parts, f"NL_ASSERTION: {len(wanted)} not judged" if wanted else "")
        if total(item, parts).success:  # else it is 0 whatever a judge says
            parts["NL_ASSERTION"] = all([await _holds(one, answer, ctx) for one in wanted])
        return total(item, parts)

    def check(self) -> dict[str, Any]:
        """Take every gold way and score it without a judge (`checking.check`); `refused`: official gold actions that
        the tools refuse."""
        plain = Tau2Bench(self._source.folder)
        plain._desks, plain._split = self._desks, self._split
        items = [item for split in DOMAINS for item in self._split(split).values()]
        return {**check(plain), "refused": self._desks.refusals(items)}

    def _item(self, task_id: str) -> Item:
        split = task_id.rpartition("-")[0]
        items = self._split(split) if split in DOMAINS else {}
        if task_id not in items:
            raise UnknownName("task of tau2_bench", task_id)
        return items[task_id]

    def _read(self, split: str) -> Mapping[str, Item]:
        found = [self._one(split, where, row) for where, row in self._source.rows(f"{split}_tasks")]
        return by_id(found, lambda item: item.id, lambda item: item.where)

    def _one(self, domain: str, where: str, row: Row) -> Item:
        scenario, wanted = field(where, row, "user_scenario", dict), field(where, row, "evaluation_criteria", dict)
        if row.get("initial_state") or wanted.get("env_assertions"):
            raise bad(where, "initial_state", "is of a kind that the retail and airline desks have not")
        calls = read_calls(self._desks.service(domain), where, wanted, "arguments")
        compared = [one.get("compare_args") for one in wanted["actions"]]
        return Item(
            f"{domain}-{row['id']}",
            domain,
            domain,
            _instruction(where, scenario),
            calls,
            texts(where, wanted, "communicate_info") if wanted.get("communicate_info") else (),
            where,
            tuple(one_of(where, "reward_basis", one, BASES) for one in field(where, wanted, "reward_basis", list)),
            texts(where, wanted, "nl_assertions") if wanted.get("nl_assertions") else (),
            tuple(None if one is None else texts(where, {"compare_args": one}, "compare_args") for one in compared),
        )


def _instruction(where: str, scenario: Row) -> str:
    """What a user is told, field by field, each under its heading."""
    told = {**field(where, scenario, "instructions", dict), "persona": scenario.get("persona")}
    field(where, told, "reason_for_call", str)
    return "\n".join(f"{head}:\n{str(told[name]).strip()}" for name, head in TOLD if told.get(name))


async def _holds(assertion: str, answer: Answer, ctx: Any) -> bool:
    """What the judge says of one assertion."""
    state = answer.state
    lines = [f"Agent: {said}\nCustomer: {heard}" for said, heard in zip(state["said"], state["heard"], strict=True)]
    done = [f"{name}({arguments})" for name, arguments in state["calls"]]
    talk = "\n".join([*lines, f"Agent: {answer.text}", "The agent's actions, in order:", *done])
    asked = JUDGE.render(talk=talk, assertion=assertion)
    response = await ctx.complete([user_says(asked)], prompt=JUDGE, model="judge", max_output=8)
    return str(response.text).strip().lower().startswith("yes")
