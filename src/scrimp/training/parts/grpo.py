"""The one way to TRL: group-relative policy optimisation of a policy in a folder, with checkpoints and a budget.

TRL computes advantages, loss and masks (GRPO, arXiv 2402.03300; its loss type `dapo`); a reward is a function of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError
from scrimp.training.parts.policy import MOST_WRITTEN, Policy, need
from scrimp.training.parts.trajectory import Trajectory, read

Reward = Callable[[Sequence[Trajectory]], list[float]]
"""Rewards of the rollouts of one step, which hold whole groups."""
May = Callable[[int], bool]
"""Whether the budget bears the step of that number; asked before it."""


@dataclass(frozen=True)
class Plan:
    """How a policy is trained.

    Attributes:
        steps: optimiser steps; each has `batch` rollouts, `group` for a question.
        rate: learning rate; `lora` is the rank of an adapter, 0 for all weights.
        every: steps from one checkpoint to the next.
        threads: what PyTorch may use.
        most: tokens of a completion.
    """

    steps: int = 100
    batch: int = 64
    group: int = 8
    rate: float = 1e-4
    temperature: float = 1.0
    lora: int = 0
    seed: int = 0
    every: int = 20
    threads: int = 1
    most: int = MOST_WRITTEN


class State:
    """What a reward remembers between steps, kept in every checkpoint beside the weights."""

    def __init__(self) -> None:
        self.fewest: dict[str, int] = {}

    def save(self, folder: Path) -> None:
        """Write into a checkpoint."""
        (folder / "reward.json").write_text(json.dumps(self.fewest), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read from a checkpoint."""
        self.fewest = json.loads((folder / "reward.json").read_text(encoding="utf-8"))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; one that a kill left half-written has no state of the reward and is passed over."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / "reward.json").is_file()]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def run(
    start: Path, out: Path, rows: Sequence[Mapping[str, Any]], plan: Plan, reward: Reward, state: State, may: May
) -> tuple[Path, list[dict[str, float]]]:
    """Train the policy in `start`; go on from the last checkpoint in `out` where there is one.

    Blocks; the policy ends in `out/policy`.

    Returns:
        That folder, and the curve: mean reward, calls, success and tokens seen, by step.

    Raises:
        MissingExtra: a package of the extra `train` is not installed.
    """
    need("torch", "transformers", "trl", "datasets", "accelerate", *(["peft"] if plan.lora else []))
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    before = last_checkpoint(out)
    done = 0 if before is None else int(before.name.rpartition("-")[2])
    if before is not None:
        state.load(before)
    if done >= plan.steps or not may(done + 1):
        return _as_it_is(out)
    policy = Policy.open(start, plan.threads)
    config = GRPOConfig(
        output_dir=str(out), use_cpu=True, bf16=False, report_to=[], seed=plan.seed, max_steps=plan.steps,
        per_device_train_batch_size=plan.batch, num_generations=plan.group, max_completion_length=plan.most,
        learning_rate=plan.rate, lr_scheduler_type="constant", temperature=plan.temperature, beta=0.0,
        save_steps=plan.every, save_total_limit=2, logging_steps=1, disable_tqdm=True,
        reward_weights=[1.0, 0.0, 0.0], gradient_checkpointing=False,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=policy.model, processing_class=policy.tokenizer, args=config,
        train_dataset=Dataset.from_list([{key: row[key] for key in COLUMNS} for row in rows]),
        reward_funcs=_functions(reward), peft_config=_adapter(plan), callbacks=[_keeper(plan, state, may)],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=None if before is None else str(before))
    trained = trainer.model.merge_and_unload() if plan.lora else trainer.model
    Policy(trained, policy.tokenizer).save(out / "policy")
    curve = [_point(entry) for entry in trainer.state.log_history if "reward" in entry]
    (out / "curve.json").write_text(json.dumps(curve), encoding="utf-8")
    return out / "policy", curve


COLUMNS = ("prompt", "id", "answer", "result", "price", "seconds")


def _as_it_is(out: Path) -> tuple[Path, list[dict[str, float]]]:
    """What an earlier run left, where this one has nothing to add to it.

    Raises:
        InputError: the budget does not bear the first step, or a killed run left no policy yet.
    """
    if not (out / "curve.json").is_file():
        raise InputError("the budget does not bear one step of training", remedy="--budget steps=100,seconds=600")
    return out / "policy", json.loads((out / "curve.json").read_text(encoding="utf-8"))


def _functions(reward: Reward) -> list[Callable[..., list[float]]]:
    """The reward, and two that weigh nothing: what they return is averaged into the log of each step."""

    def seen(completions: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> list[Trajectory]:
        rows = [
            dict(zip(COLUMNS[1:], values, strict=True))
            for values in zip(*(columns[k] for k in COLUMNS[1:]), strict=True)
        ]
        return [read(text, row) for text, row in zip(completions, rows, strict=True)]

    def earned(completions: Sequence[str], **columns: Any) -> list[float]:
        return reward(seen(completions, columns))

    def calls(completions: Sequence[str], **columns: Any) -> list[float]:
        return [float(one.calls) for one in seen(completions, columns)]

    def success(completions: Sequence[str], **columns: Any) -> list[float]:
        return [one.correct for one in seen(completions, columns)]

    return [earned, calls, success]


def _point(entry: Mapping[str, float]) -> dict[str, float]:
    return {
        "step": int(entry["step"]), "reward": entry["rewards/earned/mean"], "calls": entry["rewards/calls/mean"],
        "success": entry["rewards/success/mean"], "tokens": int(entry["num_tokens"]),
    }  # fmt: skip


def _adapter(plan: Plan) -> Any:
    if not plan.lora:
        return None
    from peft import LoraConfig

    return LoraConfig(r=plan.lora, lora_alpha=2 * plan.lora, target_modules="all-linear", task_type="CAUSAL_LM")


def _keeper(plan: Plan, state: State, may: May) -> Any:
    """A callback that stops at the budget, and keeps what the reward remembers in each checkpoint."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):  # type: ignore[misc]  # the one way in that transformers has
        def on_step_end(self, args: Any, trainer: Any, control: Any, **_: Any) -> None:
            if trainer.global_step < plan.steps and not may(trainer.global_step + 1):
                control.should_training_stop = control.should_save = True

        def on_save(self, args: Any, trainer: Any, control: Any, **_: Any) -> None:
            state.save(Path(args.output_dir) / f"checkpoint-{trainer.global_step}")

    return Keeper()
