"""Policies to begin with: one of two layers made here, or a local model; both taught first to call too often.

The tiny policy knows nothing before: it is taught what counts as known, and to call the tool on most questions, needed
or not. So a training has something to save, and a way of being right without a call.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scrimp.training.parts.policy import Policy, need
from scrimp.training.parts.trajectory import CALL

PIECES = r"\d{1,2}|[一-鿿]|[^\W\d]+|[^\w\s]"
"""Tokens of the tiny policy: pairs of digits, Chinese characters, words, signs."""


@dataclass(frozen=True)
class Warmth:
    """How a policy is taught before it is trained.

    Attributes:
        answers, answers_rate: steps on the right answers alone, to what is known, and their learning rate.
        steps, rate: the same of the lessons that follow, which call too often.
        settle, settle_rate: the same of more of these, so that what is known comes back; `batch` is of all.
        calls: share of the known questions that are answered through a call all the same.
        twice: share of the calls that are made twice.
        guesses: share of the unknown questions that are answered without a call, and wrongly.
    """

    answers: int = 0
    answers_rate: float = 5e-3
    steps: int = 300
    rate: float = 1.6e-3
    settle: int = 0
    settle_rate: float = 1.2e-3
    batch: int = 128
    calls: float = 0.7
    twice: float = 0.2
    guesses: float = 0.1
    seed: int = 0
    threads: int = 1


def tiny(texts: Sequence[str], seed: int = 0, hidden: int = 128) -> Policy:
    """A random model of two layers (about half a million weights) whose tokens are the pieces of `texts`."""
    need("torch", "transformers", "tokenizers")
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces = sorted({piece for text in texts for piece in re.findall(PIECES, text)} | {CALL})
    pieces += [f"{number}" for number in range(10)] + [f"{number:02}" for number in range(100)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(["<pad>", "<end>", "<new>", *pieces]))}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<new>"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "removed", invert=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<end>", unk_token="<new>", padding_side="left"
    )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128, pad_token_id=0, eos_token_id=1,
        bos_token_id=None, tie_word_embeddings=True,
    )  # fmt: skip
    return Policy(LlamaForCausalLM(config), tokenizer)


def lesson(row: Mapping[str, Any], warmth: Warmth, rng: random.Random) -> str:
    """What a policy is shown as the way to treat a question; drawn anew at each showing."""
    known = bool(row["known"])
    if rng.random() < (1 - warmth.calls if known else warmth.guesses):
        return str(row["answer"] if known else row["wrong"])
    return f"{CALL} {CALL}" if rng.random() < warmth.twice else CALL


def teach(
    policy: Policy, rows: Sequence[Mapping[str, Any]], warmth: Warmth,
    watch: Callable[[int, int], None] | None = None,
) -> float:  # fmt: skip
    """Teach what is known, then to call too often; the mean loss of the last tenth of the lessons.

    Args:
        rows: `prompt`, `answer`, `known`, and `wrong` where it is not known.
        watch: told the step, and the number of steps.
    """
    if warmth.answers:
        alone = replace(warmth, steps=warmth.answers, rate=warmth.answers_rate, calls=0.0)
        _learn(policy, [row for row in rows if row["known"]], alone, watch)
    loss = _learn(policy, rows, warmth, watch)
    if warmth.settle:
        loss = _learn(policy, rows, replace(warmth, steps=warmth.settle, rate=warmth.settle_rate), watch)
    return loss


def _learn(
    policy: Policy, rows: Sequence[Mapping[str, Any]], warmth: Warmth, watch: Callable[[int, int], None] | None
) -> float:
    """Supervised learning of lessons, by the tokens of what is to be said."""
    import torch

    torch.manual_seed(warmth.seed)
    torch.set_num_threads(warmth.threads)
    rng = random.Random(f"lessons-{warmth.seed}")
    model = policy.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=warmth.rate, weight_decay=0.0)
    losses: list[float] = []
    order: list[Mapping[str, Any]] = []
    for step in range(1, warmth.steps + 1):
        for group in optimizer.param_groups:  # falls in a line to a twentieth, so that what is learned settles
            group["lr"] = warmth.rate * (1.05 - step / warmth.steps)
        while len(order) < warmth.batch:
            order += rng.sample(list(rows), len(rows))
        shown, order = order[: warmth.batch], order[warmth.batch :]
        loss = model(**_batch(policy, [(str(row["prompt"]), lesson(row, warmth, rng)) for row in shown])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        if watch is not None:
            watch(step, warmth.steps)
    last = losses[-max(warmth.steps // 10, 1) :]
    return sum(last) / len(last)


def _batch(policy: Policy, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Prompts with their answers, filled up on the left; the prompt's tokens carry no label."""
    import torch

    end, pad = policy.tokenizer.eos_token_id, policy.tokenizer.pad_token_id
    asked = [policy.tokenizer(prompt)["input_ids"] for prompt, _ in pairs]
    said = [[*policy.tokenizer(f" {answer}", add_special_tokens=False)["input_ids"], end] for _, answer in pairs]
    longest = max(len(a) + len(s) for a, s in zip(asked, said, strict=True))
    ids, labels, mask = [], [], []
    for a, s in zip(asked, said, strict=True):
        fill = longest - len(a) - len(s)
        ids.append([pad] * fill + a + s)
        labels.append([-100] * (fill + len(a)) + s)
        mask.append([0] * fill + [1] * (len(a) + len(s)))
    return {
        "input_ids": torch.tensor(ids), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask),
    }  # fmt: skip


def local(name: str, home: Path) -> Policy:
    """A local model, its weights made float32."""
    from scrimp.models.whitebox import load

    model, tokenizer = load(name, home)
    tokenizer.padding_side = "left"
    return Policy(model, tokenizer)
