"""Which benchmarks there are: the facts that are listed. No benchmark's own file is imported for this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """Facts about a benchmark.

    Attributes:
        tasks: tasks of the default split as published.
        official_place: where the data come from; empty for benchmarks that are made here.
        needs_data: whether it reads official files; `NAME?data=sample` then is a few items of ours.
        size: of the official files.
        package: of PyPI that it needs (`pip install 'scrimp[worlds]'`).
        judge: metrics that need a judge model; `user`: whether a user is played to the agent, by a model or a script.
        target: `module:class`.
    """

    name: str
    title: str
    tasks: int
    splits: tuple[str, ...]
    metrics: tuple[str, ...]
    licence: str
    target: str
    official_place: str = ""
    needs_data: bool = False
    size: str = ""
    package: str = ""
    judge: tuple[str, ...] = ()
    user: bool = False
    notes: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The outward form of `bench list`."""
        return {"name": self.name, "title": self.title, "tasks": self.tasks, "splits": list(self.splits),
                "metrics": list(self.metrics), "licence": self.licence, "official_place": self.official_place,
                "needs_data": self.needs_data,
                "package": self.package, "size": self.size, "judge": list(self.judge), "user": self.user,
                "notes": self.notes, "options": dict(self.options)}  # fmt: skip


_HERE = "scrimp.evaluate.benchmarks"

_ENTRIES = (
    Entry(
        "toolworld", "Tool world: invented functions, gold calls and answers", 1600, ("test", "dev", "unseen"),
        ("success",), "Apache-2.0", f"{_HERE}.toolworld:ToolWorld",
        notes="made by scrimp; deterministic by seed", options={"tools": "16 to 128 (96)", "seed": "integer (0)"},
    ),
    Entry(
        "boundary", "Knowledge boundary: when is a call needed?", 1600, ("test", "dev"),
        ("success", "call_needed"), "Apache-2.0", f"{_HERE}.boundary:Boundary",
        notes="made by scrimp; deterministic by seed", options={"seed": "integer (0)"},
    ),
    Entry(
        "dialogues", "Dialogues: facts planted, updated and contradicted (made by scrimp)", 480, ("test", "dev"),
        ("success", "evidence recall@k"), "Apache-2.0", f"{_HERE}.dialogues:Dialogues",
        notes="made by scrimp; deterministic by seed; a tenth in Chinese",
        options={"seed": "integer (0)", "sessions": "2 to 1000 (10)", "turns": "6 to 1000 (12)"},
    ),
    Entry(
        "stories", "Branching stories: early choices that matter late (made by scrimp)", 100,
        ("immediate", "recovery", "dev"),
        ("success", "first-try accuracy (value)", "retries", "longest row of right choices"), "Apache-2.0",
        f"{_HERE}.stories:Stories", notes="made by scrimp after StoryBench, whose data are not public",
        options={"seed": "integer (0)", "scenes": "2 to 200 (12)", "delay": "scenes between clue and use (4)"},
    ),
    Entry(
        "compound", "Compound tasks over the tool world (made by scrimp)", 100, ("easy", "hard"),
        ("all subtasks right (success)", "task completion rate (value)", "tool selection score", "tool-call turns",
         "cost of pass"), "Apache-2.0", f"{_HERE}.compound:Compound",
        notes="made by scrimp after TPS-Bench, whose data are not at hand",
        options={"tools": "16 to 128 (96)", "seed": "integer (0)"},
    ),
    Entry(
        "stream", "Stream: tasks in sequence, memory carried over (after Evo-Memory)", 60, ("test",),
        ("success", "success, tokens and steps by position", "steps to the goal", "sequence robustness"),
        "that of the set it runs over", f"{_HERE}.stream:Stream",
        notes="runs over another set of this list; a memory outlives the tasks, and is told right or wrong",
        options={"over": "name of a set (toolworld)", "part": "its split", "length": "tasks (60)",
                 "order": "0 to 2 (0)"},
    ),
    Entry(
        "hotpotqa", "HotpotQA: two-hop questions over paragraphs", 7405, ("search", "memory", "closed"),
        ("exact match (success)", "answer F1 (value)"), "CC BY-SA 4.0", f"{_HERE}.hotpotqa:HotpotQA",
        official_place="hotpotqa.github.io, hotpot_dev_distractor_v1.json", needs_data=True, size="46 MB",
        notes="supporting facts are not asked for, so the joint figures are not given",
    ),
    Entry(
        "locomo", "LoCoMo: questions about a very long conversation", 1986,
        ("test", "answerable", "excerpt", "multi_hop", "temporal", "open_domain", "single_hop", "adversarial"),
        ("F1 of at least 0.5 (success, ours)", "F1 by category (value)", "evidence recall@k"),
        "CC BY-NC 4.0 (as stated by its authors; non-commercial)", f"{_HERE}.locomo:LoCoMo",
        official_place="github.com/snap-research/locomo, data/locomo10.json", needs_data=True, size="2.8 MB",
        judge=("judge accuracy (J) of later papers: not given here",),
        notes="excerpt: the first 3 sessions of 2 conversations, 40 questions",
    ),
    Entry(
        "longmemeval", "LongMemEval: what was said over many sessions", 500, ("test",),
        ("judge accuracy (success; needs a judge model)", "contains the answer (success without one, ours)",
         "recall_any@k, recall_all@k, NDCG@k"), "MIT", f"{_HERE}.longmemeval:LongMemEval",
        official_place="github.com/xiaowu0162/LongMemEval, longmemeval_s_cleaned.json or longmemeval_oracle.json",
        needs_data=True, size="about 280 MB (S), 15 MB (oracle)", judge=("accuracy by type",),
        options={"judge": "name of a model (none)"},
    ),
    Entry(
        "membench", "MemBench: what messages said, asked with choices", 500, ("test",),
        ("accuracy (success)", "recall of the gold messages", "read time", "write time"),
        "none stated: a stand-in sample for local tests only", f"{_HERE}.membench:MemBench",
        official_place="github.com/import-myself/Membench", needs_data=True,
        notes="reads MemDaily and MemBench rows; times are those of the ledger's memory phases",
    ),
    Entry(
        "bfcl", "BFCL v4, function calling, single turn", 600,
        ("test", "all", "non_live", "live", "simple_python", "simple_java", "simple_javascript", "multiple", "parallel",
         "parallel_multiple", "irrelevance", "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
         "live_irrelevance", "live_relevance"), ("success",), "Apache-2.0", f"{_HERE}.bfcl:BFCL",
        official_place="PyPI package bfcl-eval, folder bfcl_eval/data", needs_data=True, size="about 2 MB",
        notes="scored by the official AST rules; test is simple_python and multiple; no multi-turn",
        options={"categories": "names with + between"},
    ),
    Entry(
        "metatool", "MetaTool: whether a tool is needed, and which one", 995,
        ("similar", "scenario", "reliability", "multi_tool", "awareness"),
        ("correct selection rate (success)", "accuracy, precision, recall and F1 of awareness"), "MIT",
        f"{_HERE}.metatool:MetaTool",
        official_place="github.com/HowieHwong/MetaTool, dataset/", needs_data=True, size="about 5 MB",
        notes="similar and scenario are drawn by fixed seeds, since their official files are not published",
    ),
    Entry(
        "seal_tools", "Seal-Tools: tool choice, slot filling, nested calls", 700,
        ("test_in_domain", "test_out_domain", "dev"),
        ("all calls right (success)", "format accuracy", "P/R/F1 of tools", "P/R/F1 of parameters"), "Apache-2.0",
        f"{_HERE}.seal_tools:SealTools", official_place="github.com/fairyshine/Seal-Tools, Seal-Tools_Dataset/",
        needs_data=True, size="about 4 MB", notes="4,076 tools; a task offers its own and others of their fields",
        options={"pool": "tools a task offers, 1 to 5000 or all (10)"},
    ),
    Entry(
        "nestools", "NesTools: nested calls", 1000, ("test",),
        ("tree right (success)", "format accuracy", "F1 of tools, order, parameters, nesting", "average"),
        "Apache-2.0", f"{_HERE}.nestools:NesTools", official_place="github.com/hhan1018/NesTools, data/test_data.jsonl",
        needs_data=True, size="2.7 MB", notes="order is our reading: pairs of which one takes a value of the other",
    ),
    Entry(
        "ultratool", "UltraTool: tool awareness and tool usage along a plan", 1000, ("awareness", "usage"),
        ("list-level accuracy (success)", "element-level accuracy, or Levenshtein similarity (value)"),
        "none stated: a sample for local tests only", f"{_HERE}.ultratool:UltraTool",
        official_place="github.com/JoeYing1019/UltraTool, data/English-dataset/", needs_data=True,
        judge=("planning (six scores)", "tool creation"), notes="the judged tasks are not scored here",
    ),
    Entry(
        "api_bank", "API-Bank: the next API call of a dialogue", 753, ("test", "level1", "level2"),
        ("correct calls (success, by call matching)",), "Apache-2.0", f"{_HERE}.api_bank:APIBank",
        official_place="github.com/AlibabaResearch/DAMO-ConvAI, api-bank/", needs_data=True, size="about 1 MB",
        notes="officially by each API's own check; the APIs' code is not at hand, so names and parameters are compared",
    ),
    Entry(
        "tau_bench", "tau-bench: service conversations under a policy", 115, ("retail", "airline", "retail_train"),
        ("reward: database and outputs (success)", "pass^k"), "MIT", f"{_HERE}.tau_bench:TauBench",
        official_place="github.com/sierra-research/tau-bench, tau_bench/envs", needs_data=True, size="about 3 MB",
        user=True, notes="tools, databases and rewards are checked against the authors' recorded runs",
        options={"user": "scripted (no success figure), none, or the name of a model (scripted)"},
    ),
    Entry(
        "tau2_bench", "tau2-bench: service conversations with corrected tasks", 114, ("retail", "airline"),
        ("reward: product of the task's parts (success)", "pass^k"), "MIT", f"{_HERE}.tau2_bench:Tau2Bench",
        official_place="github.com/sierra-research/tau2-bench, data/tau2/domains", needs_data=True,
        size="about 10 MB", judge=("NL_ASSERTION",), user=True, notes="telecom is not here",
        options={"user": "scripted (no success figure), none, or the name of a model (scripted)",
                 "judge": "name of a model (none)"},
    ),
    Entry(
        "textworld", "TextWorld: generated games in text", 200, ("test", "dev"),
        ("won (success)", "score over the most (value)", "steps to the goal", "steps over the known way"),
        "MIT (package textworld)", f"{_HERE}.textworld:TextWorldGames", package="textworld",
        notes="games are made by seed, some seconds each, and kept in SCRIMP_HOME",
        options={"rooms": "1 to 50 (3)", "objects": "1 to 100 (6)", "quest": "1 to 30 (4)",
                 "hints": "admissible (none)"},
    ),
    Entry(
        "scienceworld", "ScienceWorld: thirty sorts of science tasks in text", 1819, ("test", "dev", "train"),
        ("score 100 (success)", "score over 100 (value)", "steps to the goal"), "Apache-2.0 (package scienceworld)",
        f"{_HERE}.scienceworld:ScienceWorldTasks", package="scienceworld", notes="needs Java",
        options={"simplified": "easy, or nothing for the full game (easy)"},
    ),
    Entry(
        "blocksworld", "Blocksworld: plan and execute, five categories", 50,
        ("test", "basic", "non_constructive", "impossible", "size_rule", "veiled"),
        ("success rate by category", "steps over optimum", "planning attempts", "tool errors"), "MIT",
        f"{_HERE}.blocksworld:BlocksworldSet",
        official_place="github.com/hsu-aut/blocksworld_simulation, scenarios/definitions", needs_data=True,
        size="50 kB", notes="our own simulator and plan validator",
    ),
    Entry(
        "costbench", "CostBench: the cheapest way through a graph of tools", 300, ("made", "official"),
        ("user-intent hit rate (success)", "hit times optimal over paid (value)", "cost gap", "AED", "ANED",
         "exact-match rate", "invalid tool use rate"), "Apache-2.0 (made); none stated (official)",
        f"{_HERE}.costbench:CostBench", official_place="github.com/JiayuJeff/CostBench",
        notes="the tool graph is rebuilt from the paper's description; official reads the queries alone",
        options={"seed": "integer (0)", "refine": "1 to 20 (2)",
                 "event": "none, ban_tool, cost_change, preference_change or steplen_change"},
    ),
)  # fmt: skip

BENCHMARKS: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}
