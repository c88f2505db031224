"""What an oracle says to the prompts of memories and context policies.

While a memory writes, no task is in sight and gold plays no part: the oracle is a clerk that picks sentences out of the
text it is shown, as they stand, and loses each with the chance of its error. So a memory is tried on what it does with
sentences, not on how well a model words them.
"""

from __future__ import annotations

import json
import re

from scrimp.core.messages import Request
from scrimp.core.words import words
from scrimp.evaluate.oracle_rules import Habits, Mind, Reply, chance, clerical, rule
from scrimp.models.tokens import estimate

_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_HEAD = re.compile(r"^(\[[^\]]*\]\s*)*(user|assistant|[A-Z][\w ]{0,20}):\s*")


def sentences(text: str, habits: Habits) -> list[str]:
    """The sentences of a text, each once, without who says them, and without those that this oracle loses."""
    found = []
    for line in text.splitlines():
        said = _HEAD.sub("", line.strip())
        found += [piece.strip() for piece in _END.split(said) if piece.strip()]
    return [one for one in dict.fromkeys(found) if chance("lost", f"{habits.seed}|{one}") >= habits.error]


def shown(request: Request) -> str:
    """The text that a request is about: its last message of the user."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def within(found: list[str], tokens: int) -> list[str]:
    """The last of the sentences that a number of tokens bears."""
    kept: list[str] = []
    for one in reversed(found):
        tokens -= estimate(one) + 1
        if tokens < 0:
            break
        kept.append(one)
    return kept[::-1]


@clerical("rolling-summary", "memorybank-day", "memorybank-all", "mem0-summary", "memorag-gist")
def summary(request: Request, habits: Habits) -> Reply:
    """The sentences themselves; the newest, where the answer may not be long enough for all."""
    found = [one for one in sentences(shown(request), habits) if not one.endswith(":")]
    return Reply(" ".join(within(found, request.max_output or 256)))


@clerical("memorybank-mood", "memorybank-user")
def portrait(request: Request, habits: Habits) -> Reply:
    """Nothing that any question asks for."""
    return Reply("The user likes to talk about everyday things.")


def _subject(sentence: str) -> frozenset[str]:
    """The words of a sentence without its last one, which is most often what is said of the rest."""
    return frozenset(words(sentence.rstrip(".。"))[:-1])


def _supersedes(new: str, old: str) -> bool:
    """Whether a sentence says another thing of the same: nearly all words but the last are shared."""
    mine, theirs = _subject(new), _subject(old)
    return new != old and bool(theirs) and len(mine & theirs) >= 0.8 * len(theirs)


@clerical("mem0-extract")
def facts(request: Request, habits: Habits) -> Reply:
    """Every sentence of the new messages as a fact; the reply of the assistant is none."""
    text = shown(request).rpartition("New messages")[2].partition("\n")[2]
    said = [line for line in text.splitlines() if not line.startswith("assistant:")]
    return Reply(json.dumps({"facts": sentences("\n".join(said), habits)}, ensure_ascii=False))


@clerical("mem0-update")
def changes(request: Request, habits: Habits) -> Reply:
    """What is known word for word is left, what says another thing of the same subject updates, the rest is added."""
    given = json.loads(shown(request))
    entries = []
    for text in given["new"]:
        same = [one for one in given["known"] if one["text"] == text]
        older = [one for one in given["known"] if _supersedes(text, one["text"])]
        if same:
            entries.append({"event": "NONE", "id": same[0]["id"], "text": text})
        elif older:
            entries.append({"event": "UPDATE", "id": older[0]["id"], "text": text})
        else:
            entries.append({"event": "ADD", "id": "", "text": text})
    return Reply(json.dumps({"memory": entries}, ensure_ascii=False))


_NAME = re.compile(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)*")


def _current(request: Request) -> str:
    """The message that a graph is to take in: what the user says of it."""
    text = shown(request).partition("Current message:")[2].partition("Reference time:")[0]
    return "\n".join(line for line in text.splitlines() if not line.startswith("assistant:"))


def _ends(sentence: str) -> tuple[str, str] | None:
    """What a sentence is about, its first name, and what it says of that, its last word; None where it has no name."""
    names = [name for name in _NAME.findall(sentence) if name not in ("I", "News", "The", "We", "My")]
    last = re.split(r"\s+", sentence.rstrip(".。!?！？"))[-1]
    if not names or names[0] == last:
        return None
    return names[0].removesuffix("'s"), last


@clerical("zep-entities")
def entities(request: Request, habits: Habits) -> Reply:
    """Both ends of every sentence that has a name in it."""
    found = [ends for one in sentences(_current(request), habits) if (ends := _ends(one)) is not None]
    return Reply(json.dumps({"entities": list(dict.fromkeys(end for ends in found for end in ends))}))


@clerical("zep-facts")
def graph_facts(request: Request, habits: Habits) -> Reply:
    """Every sentence that has two ends, from the reference time on."""
    made = []
    for one in sentences(_current(request), habits):
        ends = _ends(one)
        if ends is not None:
            made.append({"source": ends[0], "relation": "said", "target": ends[1], "fact": one,
                         "valid_at": "", "invalid_at": ""})  # fmt: skip
    return Reply(json.dumps({"facts": made}, ensure_ascii=False))


@clerical("zep-same")
def same(request: Request, habits: Habits) -> Reply:
    """Nobody: names that differ are others."""
    return Reply(json.dumps({"same": [-1] * len(json.loads(shown(request))["new"])}))


@clerical("zep-resolve")
def resolved(request: Request, habits: Habits) -> Reply:
    """What is known word for word, and what the new fact says another thing of."""
    given = json.loads(shown(request))
    known = list(enumerate(given["known"]))
    return Reply(json.dumps({
        "duplicate_facts": [place for place, text in known if text == given["new"]],
        "contradicted_facts": [place for place, text in known if _supersedes(given["new"], text)],
    }))  # fmt: skip


_CALL = re.compile(r"^([\w.-]+\(\{.*\}\))$", re.MULTILINE)


@rule("hiagent-summary")
def finished(mind: Mind) -> Reply:
    """The calls that were made, and those of the observed texts that a later step or the answer rests on; each is lost
    with the chance of this oracle's error."""
    text = mind.sight.request.messages[-1].text.partition("\nSteps:\n")[2]
    gold = mind.sight.gold
    evidence = dict.fromkeys([*gold.evidence, *(one for step in gold.steps for one in step.evidence)])
    kept = [
        one for one in evidence
        if mind.sight.shows(one) and chance("lost", f"{mind.habits.seed}|{one}") >= mind.habits.error
    ]  # fmt: skip
    return Reply("\n".join([*(f"{call} = done" for call in _CALL.findall(text)), *kept]))


CLUES = 3


@clerical("memorag-memorise")
def memorised(request: Request, habits: Habits) -> Reply:
    """That it has read."""
    return Reply("OK")


def _question(request: Request) -> str:
    """The question that a memory's prompt puts."""
    return shown(request).removeprefix("Question: ").partition("\n")[0]


@clerical("memorag-spans")
def spans(request: Request, habits: Habits) -> Reply:
    """The remembered sentences that share most words with the question: whoever remembers a text can look."""
    asked = set(words(_question(request)))
    remembered = sentences(request.messages[0].text, habits)
    best = sorted(remembered, key=lambda one: -len(asked & set(words(one))))
    return Reply("\n".join(one for one in best[:CLUES] if asked & set(words(one))))


@clerical("memorag-questions")
def sharper(request: Request, habits: Habits) -> Reply:
    """The question as it is."""
    return Reply(_question(request))


@clerical("memorag-draft")
def drafted(request: Request, habits: Habits) -> Reply:
    """The remembered sentence that shares most words with the question."""
    return Reply(spans(request, habits).text.partition("\n")[0])


_LEARNED = re.compile(r"^\d+\. (.*)$", re.MULTILINE)


@clerical("g-memory-steps")
def key_steps(request: Request, habits: Habits) -> Reply:
    """The calls as they stand, else the answer."""
    text = shown(request)
    return Reply("; ".join(_CALL.findall(text)) or text.rpartition("Answer:")[2].strip())


@clerical("g-memory-reason")
def reason(request: Request, habits: Habits) -> Reply:
    """All that it can tell."""
    return Reply("The answer was wrong; some argument of a call was.")


@clerical("g-memory-relevance")
def relevance(request: Request, habits: Habits) -> Reply:
    """The share of words that two tasks have in common."""
    new, _, old = shown(request).partition("\n\nEarlier task:")
    mine, theirs = set(words(new)), set(words(old.partition("\n")[0]))
    return Reply(json.dumps({"score": round(10 * len(mine & theirs) / max(len(mine), 1), 1)}))


@clerical("g-memory-insights")
def insights(request: Request, habits: Habits) -> Reply:
    """Which tools solved which kind of task, once each; it agrees with what it would say again."""
    known = _LEARNED.findall(shown(request))
    operations = []
    for block in shown(request).split("Task: ")[1:]:
        tools = list(dict.fromkeys(re.findall(r"([\w.-]+)\(\{", block.partition("Solved by:")[2])))
        if not tools:
            continue
        said = f"Tasks like this one were solved with {', '.join(tools)}: {' '.join(words(block)[:6])}"
        same = known.index(said) + 1 if said in known else 0
        operations.append({"op": "AGREE" if same else "ADD", "number": same, "text": said})
    return Reply(json.dumps({"operations": operations[:4]}, ensure_ascii=False))


@clerical("g-memory-merge")
def merged(request: Request, habits: Habits) -> Reply:
    """Insights that name the same tools become the first of them."""
    groups: dict[str, list[int]] = {}
    rules = _LEARNED.findall(shown(request))
    for number, one in enumerate(rules, 1):
        groups.setdefault(one.partition(":")[0], []).append(number)
    joined = [{"text": rules[numbers[0] - 1], "from": numbers} for numbers in groups.values() if len(numbers) > 1]
    return Reply(json.dumps({"rules": joined}, ensure_ascii=False))


@clerical("g-memory-role")
def for_a_role(request: Request, habits: Habits) -> Reply:
    """The insights as they are."""
    return Reply(shown(request))
