"""What tau-bench and tau2-bench share: desks with their data, users, tasks, and the parts of a reward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Environment
from scrimp.core.task import Answer, Score, Task
from scrimp.evaluate.benchmarks.files import Row, Source, bad, field
from scrimp.evaluate.benchmarks.gold import Gold, Step, slip_of
from scrimp.evaluate.environments import airline, desk_offers, retail
from scrimp.evaluate.environments.desk_tables import Record, Refused, Tables
from scrimp.evaluate.environments.desk_tools import ASK, MESSAGE, Service
from scrimp.evaluate.environments.desk_world import Desk, House
from scrimp.evaluate.environments.users import Played, Scripted, User

DOMAINS = ("retail", "airline")
SCRIPTED, NOBODY = "scripted", "none"
"""Users that are no model."""

TALK = (
    "A user is waiting. Speak to them with message_user: they see only what you say there and your final answer, which "
    "ends the conversation. Look things up and act with the other tools. Begin with a greeting; they will then say "
    "what they want."
)
ALONE = (
    "There is nobody to speak to. Below stands what the user was told about who they are and what they want ('you' is "
    "the user); whatever they would be asked to confirm counts as confirmed if they want it. Look things up and act "
    "with the tools. Your final answer is what the user is told at the end.\n\n{}"
)
GREETING = "Hi! How can I help you today?"
DONE = "It is done as you asked."

Call = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Item:
    """One conversation, equal to itself only.

    Attributes:
        instruction: what the user is told.
        calls: the gold actions.
        outputs: what the agent must say, each somewhere.
        basis: parts that make the reward.
        assertions: what a judge is asked of the conversation.
        compared: arguments of each gold action that ACTION compares; None for those of the call.
    """

    id: str
    domain: str
    split: str
    instruction: str
    calls: tuple[Call, ...]
    outputs: tuple[str, ...]
    where: str
    basis: tuple[str, ...] = ("DB", "COMMUNICATE")
    assertions: tuple[str, ...] = ()
    compared: tuple[tuple[str, ...] | None, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What differs between the two benchmarks.

    Attributes:
        second: tools as in tau2-bench.
        policy, database: files of a domain, with a hole for its name; the database is one file, or, where `database`
            ends in a slash, one for each table.
        house: how a conversation ends.
        player: what a model that plays the user is told.
        steps: turns of the agent.
    """

    second: bool
    policy: str
    database: str
    house: House
    player: Prompt
    steps: int


class Desks:
    """Both desks with their official data, each read when it is first needed.

    Args:
        user: `scripted`, `none` or the name of a model.
    """

    def __init__(self, source: Source, setting: Setting, user: str) -> None:
        self._source, self._setting, self._user = source, setting, user
        self.roles: dict[str, str] = {} if user in (SCRIPTED, NOBODY) else {"user": user}
        self.figures = user != SCRIPTED
        self.tables, self.service, self.policy = cache(self._tables), cache(self._service), cache(self._policy)
        self.gold_database = cache(self._gold_database)

    def task(self, item: Item) -> Task:
        """The policy, then how the user is met; the same words for all of a domain come first."""
        asks = () if self._user == NOBODY else (ASK,)
        how = ALONE.format(item.instruction.strip()) if self._user == NOBODY else TALK
        return Task(
            item.id,
            f"{self.policy(item.domain)}\n\n---\nConversation {item.id}. {how}",
            (*self.service(item.domain).tools, *asks),
            environment=item.domain,
            steps=self._setting.steps,
            labels={"domain": item.domain, "split": item.split},
        )

    def world(self, item: Item) -> Environment:
        """A fresh world for a conversation."""
        user: User | None = None
        if self._user == SCRIPTED:
            user = Scripted(item.instruction)
        elif self._user != NOBODY:
            user = Played(self._setting.player, item.instruction)
        return Desk(self.service(item.domain), self.tables(item.domain), user, self._setting.house)

    def gold(self, item: Item) -> Gold:
        """The gold actions and what must be said; a scripted user is greeted first. What the results before a step
        show of its arguments is evidence for it, and what all show of the words is evidence for them."""
        tables, service = self.tables(item.domain).copy(), self.service(item.domain)
        told, seen = self.task(item).text, ""
        steps: list[Step] = []
        if self._user == SCRIPTED:
            steps, seen = [Step(MESSAGE, {"text": GREETING}, ("", None))], item.instruction
        for name, arguments in item.calls:
            evidence = tuple(one for one in _words(arguments) if one in seen and one not in told)
            steps.append(Step(name, arguments, _slip(arguments), evidence=evidence))
            seen += f"\n{_result(service, tables, name, arguments)}"
        says, wrong = "; ".join(item.outputs) or DONE, "I cannot say." if item.outputs else ""
        shown = tuple(one for one in item.outputs if one in seen and one not in told)
        return Gold("text", (says,), tuple(steps), says=says, wrong=wrong, evidence=shown, ordered=True, foreseen=1)

    def refusals(self, items: Iterable[Item]) -> dict[str, list[str]]:
        """Gold actions that the official tools, and ours, refuse, by conversation."""
        found = {item.id: self.service(item.domain).after(self.tables(item.domain), item.calls)[1] for item in items}
        return {identity: failed for identity, failed in found.items() if failed}

    def parts(self, item: Item, answer: Answer) -> dict[str, bool]:
        """Whether the database is right, all is said that must be, and every gold action was taken."""
        state = answer.state
        # Once the user has left or was handed over, nobody hears the agent's last words.
        said = [*state.get("said", ()), *([answer.text] if not state.get("ended") else [])]
        heard = [words.lower().replace(",", "") for words in said]
        return {
            "DB": state.get("db") == self.gold_database(item),
            "COMMUNICATE": all(any(output.lower() in words for words in heard) for output in item.outputs),
            "ACTION": all(_taken(item, place, state.get("calls", ())) for place in range(len(item.calls))),
        }

    def _gold_database(self, item: Item) -> str:
        return self.service(item.domain).after(self.tables(item.domain), item.calls)[0]

    def _policy(self, domain: str) -> str:
        return self._source.text(self._setting.policy.format(domain)).strip()

    def _service(self, domain: str) -> Service:
        second = self._setting.second
        if domain == "retail":
            return Service(domain, desk_offers.retail_tools(second), retail.actions(second))
        return Service(domain, desk_offers.airline_tools(second), airline.actions(second))

    def _tables(self, domain: str) -> Tables:
        names = retail.TABLES if domain == "retail" else airline.TABLES
        place = self._setting.database.format(domain)
        if place.endswith("/"):
            found = {name: self._source.document(f"{place}{name}") for name in names}
        else:
            whole = self._source.document(place)
            if not isinstance(whole, dict):
                raise bad(place, names[0], "is missing")
            found = {name: field(place, whole, name, dict) for name in names}
        for name, table in found.items():
            if not isinstance(table, dict) or not all(isinstance(record, dict) for record in table.values()):
                raise bad(place, name, "is no table of records")
        if self._setting.second:
            _unset(found)
        return Tables(found)


def _unset(tables: Mapping[str, Mapping[str, Record]]) -> None:
    """Fields that tau2-bench shows as null before they are set."""
    for name, fields in (("orders", retail.UNSET), ("reservations", airline.UNSET)):
        for record in tables.get(name, {}).values():
            for one in fields:
                record.setdefault(one, None)


def _result(service: Service, tables: Tables, name: str, arguments: Mapping[str, Any]) -> str:
    try:
        return service.use(tables, name, arguments)
    except Refused as refusal:
        return str(refusal)


SHORT = 4
"""Letters of a word that is too short to be evidence of anything."""


def _words(value: Any) -> Iterator[str]:
    """The texts in arguments, each once, but for short ones and those that blanks could change."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        yield from dict.fromkeys(word for one in value for word in _words(one))
    elif isinstance(value, str) and len(value) >= SHORT and value == " ".join(value.split()):
        yield value


def _slip(arguments: Mapping[str, Any]) -> tuple[str, Any]:
    name = next(iter(arguments), "")
    return (name, slip_of(arguments[name])) if name else ("", None)


def _taken(item: Item, place: int, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> bool:
    """Whether a call agrees with a gold action, in the arguments named for it; else, as officially, in those it has."""
    name, wanted = item.calls[place]
    names = item.compared[place] if item.compared else None
    for called, given in calls:
        here = given if names is None else names
        if called == name and {key: given[key] for key in here if key in given} == {
            key: wanted[key] for key in here if key in wanted
        }:
            return True
    return False


def read_calls(service: Service, where: str, row: Row, arguments: str) -> tuple[Call, ...]:
    """The gold actions of a row, each of a tool of the desk.

    Args:
        arguments: the field that holds an action's.

    Raises:
        InputError: one is not as it must be, or there is no such tool.
    """
    found: list[Call] = []
    for one in field(where, row, "actions", list):
        if not isinstance(one, dict):
            raise bad(where, "actions", "has something that is no object")
        name = field(where, one, "name", str)
        if name not in service.actions:
            raise bad(where, "actions", f"names no tool of the {service.name} desk: {name!r}")
        found.append((name, field(where, one, arguments, dict)))
    return tuple(found)


def early(answer: Answer) -> Score | None:
    """The score of a conversation that did not come to its end; None where it did."""
    ended = answer.state.get("ended")
    if "db" not in answer.state:
        return Score(0.0, False, "no end state")
    if answer.partial or ended in ("steps", "errors"):
        return Score(0.0, False, f"ended before its time ({ended or 'budget'})")
    return None


def total(item: Item, parts: Mapping[str, bool], note: str = "") -> Score:
    """The product of the parts that the task names."""
    failed = [name for name in item.basis if not parts.get(name, True)]
    detail = f"failed: {', '.join(failed)}" if failed else ""
    return Score(float(not failed), not failed, "; ".join(filter(None, (detail, note))))
