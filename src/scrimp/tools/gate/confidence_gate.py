"""The confidence gate of Xu et al. (arXiv 2503.06708): call a tool only outside of what the model knows.

Its training-free form: confidence c from answers without tools, a call iff c < p_tool - alpha, as the paper's utility
u = 1[right] - alpha * 1[tool used] implies. It saves needless calls, at the price of the answers it samples.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal, get_args

from scrimp.core.context import Context
from scrimp.core.errors import InputError
from scrimp.core.messages import system, user
from scrimp.core.prompt import Prompt
from scrimp.core.protocols import Artifact, Dataset, Decision, Question
from scrimp.core.registry import Card, method
from scrimp.tools.parts.agreement import agreement, monotone, said
from scrimp.tools.parts.learned import fetch, keep

CARD = Card(
    name="confidence-gate",
    family="gate",
    title="Confidence gate (Xu et al.)",
    paper="2503.06708",
    saves="needless tool calls",
    against="react",
    provides=("Gate", "Trainer"),
    claim="37 to 50 % fewer calls at alpha 0.2 to 0.6 with comparable or better accuracy (secondary source)",
    workload="boundary",
    n=250,
    margin=3.0,
    unit="usd",
    verdicts={"oracle": "not distinguishable"},
    notes="The training-free gate: consistency, logprob or verbalised confidence, its samples on the ledger.",
)

UNKNOWN = "unknown"
SAMPLE = Prompt(
    "confidence-sample",
    1,
    "Answer from what you know; there is nothing to look up and nothing to calculate with. Reply with the answer "
    f"alone, on one line. If you do not know it, reply with the one word {UNKNOWN}.",
)
STATED = Prompt(
    "confidence-stated",
    1,
    "Answer from what you know; there is nothing to look up and nothing to calculate with. Reply with JSON: `answer`, "
    f'on one line ("{UNKNOWN}" where you do not know it), and `confidence`, how many times out of 100 such an answer '
    "of yours would be right.",
    {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "confidence": {"type": "integer", "minimum": 0, "maximum": 100}},
        "required": ["answer", "confidence"],
        "additionalProperties": False,
    },
)
SAMPLES = 5
TEMPERATURE = 0.7
MOST = 64
"""Tokens of an answer that is sampled. These three are ours: the paper's own are not stated in what we read."""
ALPHA = 0.2
"""What using a tool costs in the paper's utility, where a right answer is worth 1."""

Form = Literal["consistency", "logprob", "verbalised"]


@method(CARD)
class ConfidenceGate:
    """Call where the model's confidence without tools is below `right_with_tool - alpha`.

    Args:
        form: `consistency`, the share of `samples` that agree; `logprob`, the likelihood of one answer, per token;
            `verbalised`, what the model states. An answer that says it does not know has none.
        alpha: what using a tool costs, from 0 (call whenever it helps) to 1.
        right_with_tool: chance that an answer with tools is right; a calibration that measured it overrides it.
        artifact: file that `train` writes and decisions read; without it confidence is taken as it comes.
        hash: what a System names beside the artifact.
    """

    prompts = (SAMPLE, STATED)

    def __init__(
        self, form: Form = "consistency", samples: int = SAMPLES, alpha: float = ALPHA, right_with_tool: float = 1.0,
        artifact: str = "", hash: str = "",
    ) -> None:  # fmt: skip
        if form not in get_args(Form):
            raise ValueError(f"form is {form!r}; it is one of {', '.join(get_args(Form))}")
        if samples < 1 or not 0 <= alpha <= 1 or not 0 <= right_with_tool <= 1:
            raise ValueError("samples is 1 or more, alpha and right_with_tool are from 0 to 1")
        self.form, self.samples, self.alpha = form, samples, alpha
        self.right_with_tool, self.artifact, self.hash = right_with_tool, artifact, hash
        self._scale: tuple[Any, Any] | None = None

    async def decide(self, question: Question, ctx: Context) -> Decision:
        """Ask without tools, then decide; nothing is asked where there is no tool to call.

        Raises:
            InputError: the model states no likelihoods, or the artifact is not the one that is named.
        """
        if not question.tools:
            return Decision(False)
        self._load()
        answers, raw = await self._asked(question.text, ctx)
        place, share = agreement(answers)
        sure = self._calibrated(share * raw)
        return Decision(sure < self.right_with_tool - self.alpha, sure, answers[place])

    async def train(self, data: Dataset, ctx: Context) -> Artifact:
        """Calibrate: how often what is said with a confidence is right, on rows with a `query` and its `answers`.

        A sample is right where it equals one of the answers (the paper's absolute estimator); `with_tool`, true or
        false, may say whether the way with tools was right. Confidence is then read off a curve that never falls.

        Raises:
            InputError: a row lacks one of these, or there is no place to write to.
        """
        sure, right = [], []
        for place, row in enumerate(data.rows):
            query, gold = row.get("query"), row.get("answers")
            if not isinstance(query, str) or not isinstance(gold, list | tuple):
                raise InputError(f"row {place} has no query, or no list of answers")
            answers, raw = await self._asked(query, ctx)
            wanted = {said(str(one)) for one in gold}
            sure.append(agreement(answers)[1] * raw)
            right.append(sum(answer in wanted for answer in answers) / len(answers))
        if not sure:
            raise InputError("there are no rows to calibrate on", remedy='{"query": TEXT, "answers": [TEXT...]}')
        seen = [bool(row["with_tool"]) for row in data.rows if "with_tool" in row]
        with_tool = sum(seen) / len(seen) if seen else self.right_with_tool
        levels, shares = monotone(sure, right)
        facts = {
            "form": self.form, "samples": self._times, "rows": len(sure), "source": data.source,
            "right_with_tool": with_tool, "right_without": sum(right) / len(right),
        }  # fmt: skip
        return keep(self.artifact, {"levels": levels, "shares": shares}, facts)

    @property
    def _times(self) -> int:
        return self.samples if self.form == "consistency" else 1

    async def _asked(self, text: str, ctx: Context) -> tuple[list[str], float]:
        """Answers as they are compared, empty where the model does not know, and a confidence in the single ones."""
        if self.form == "verbalised":
            response = await ctx.complete([system(STATED.text), user(text)], prompt=STATED, max_output=2 * MOST)
            answer, sure = _stated(response.text)
            return [answer], sure
        messages = [system(SAMPLE.text), user(text)]
        if self.form == "logprob":
            if not ctx.capabilities().logprobs:
                raise InputError("this model states no likelihoods", remedy='form = "consistency" or "verbalised"')
            response = await ctx.complete(messages, prompt=SAMPLE, max_output=MOST, logprobs=1)
            tokens = [token.logprob for token in response.logprobs]
            return [_known(response.text)], math.exp(sum(tokens) / len(tokens)) if tokens else 0.0
        draw, answers = ctx.random(), []
        for _ in range(self.samples):
            seed = draw.randrange(2**31)
            response = await ctx.complete(
                messages, prompt=SAMPLE, max_output=MOST, temperature=TEMPERATURE, seed=seed
            )  # fmt: skip
            answers.append(_known(response.text))
        return answers, 1.0

    def _load(self) -> None:
        """Read the calibration, where the System names one."""
        if not self.artifact or self._scale is not None:
            return
        arrays, facts = fetch(self.artifact, self.hash, CARD.name)
        if facts.get("form") != self.form or facts.get("samples") != self._times:
            raise InputError(f"{self.artifact} calibrates {facts.get('form')!r}, samples {facts.get('samples')}")
        self._scale = (arrays["levels"], arrays["shares"])
        self.right_with_tool = float(facts["right_with_tool"])

    def _calibrated(self, sure: float) -> float:
        if self._scale is None:
            return sure
        import numpy as np

        return float(np.interp(sure, *self._scale))


def _known(text: str) -> str:
    """An answer as it is compared; empty where it says that it does not know."""
    found = said(text)
    return "" if found == UNKNOWN else found


def _stated(text: str) -> tuple[str, float]:
    """Answer and confidence out of what the model wrote; none where it is not what was asked for."""
    try:
        found = json.loads(text)
        answer, sure = _known(str(found["answer"])), float(found["confidence"]) / 100
    except (ValueError, KeyError, TypeError):
        return "", 0.0
    return (answer, sure) if 0 <= sure <= 1 else ("", 0.0)
