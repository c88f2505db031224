"""A policy: a causal language model in a folder, as transformers keeps one, asked greedily or by sampling."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.core.errors import MissingExtra
from scrimp.training.parts.trajectory import Trajectory, read

MOST_WRITTEN = 8
"""Tokens of a completion: a few calls and a short answer."""


def need(*packages: str) -> None:
    """See that the packages of the extra `train` are here.

    Raises:
        MissingExtra: one is not.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(f"training needs the package {package}", remedy="pip install 'scrimp[train]'")


@dataclass
class Policy:
    """A model and its tokenizer, on the CPU.

    Attributes:
        threads: what PyTorch may use.
    """

    model: Any
    tokenizer: Any

    @classmethod
    def open(cls, folder: Path | str, threads: int = 1) -> Policy:
        """Read a folder.

        Raises:
            MissingExtra: PyTorch or transformers is not installed.
        """
        need("torch", "transformers")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        return cls(model, tokenizer)

    def save(self, folder: Path) -> None:
        """Write model and tokenizer."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def write(self, prompts: Sequence[str], most: int = MOST_WRITTEN, batch: int = 200) -> list[tuple[str, int]]:
        """What follows each prompt, greedily, and in how many tokens."""
        import torch

        self.model.eval()
        out: list[tuple[str, int]] = []
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        for start in range(0, len(prompts), batch):
            asked = self.tokenizer(list(prompts[start : start + batch]), return_tensors="pt", padding=True)
            with torch.no_grad():
                written = self.model.generate(
                    input_ids=asked["input_ids"], attention_mask=asked["attention_mask"], do_sample=False,
                    max_new_tokens=most, pad_token_id=pad, eos_token_id=end,
                )  # fmt: skip
            for row in written[:, asked["input_ids"].shape[1] :]:
                text = self.tokenizer.decode(row, skip_special_tokens=True)
                out.append((text, int(((row != pad) & (row != end)).sum()) + 1))
        return out


def measure(policy: Policy, rows: Sequence[Mapping[str, Any]]) -> list[Trajectory]:
    """What a policy does with each question, greedily."""
    written = policy.write([str(row["prompt"]) for row in rows])
    return [read(text, row, tokens) for row, (text, tokens) in zip(rows, written, strict=True)]


def summary(done: Sequence[Trajectory]) -> dict[str, float]:
    """Means per question: success, calls, dollars and seconds of calls, tokens written."""
    n = len(done)
    return {
        "n": n,
        "success": sum(one.correct for one in done) / n,
        "calls": sum(one.calls for one in done) / n,
        "usd": sum(one.price for one in done) / n,
        "seconds": sum(one.seconds for one in done) / n,
        "tokens": sum(one.tokens for one in done) / n,
    }
