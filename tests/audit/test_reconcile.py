"""An invoice beside the traces, in the forms in which providers export it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recorded import trace, with_usage

from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.reconcile import reconcile
from scrimp.core.errors import InputError
from scrimp.core.usage import Usage
from scrimp.models.prices import load

DAY = 1_761_955_200.0  # 2025-11-01T00:00:00Z


def recorded(model: str = "openai:gpt-4o", start: float | None = DAY, **usage: int) -> Run:
    made = with_usage(trace("hi", ("Hello.",), model=model), Usage(**usage))
    steps = [replace(step, started=start) for step in made.steps]
    return measure(replace(made, steps=steps), Book(load()))


RUNS = [recorded(input=1000, cached_input=200, output=100), recorded(input=500, output=50, start=DAY + 3600),
        recorded("anthropic:claude-sonnet-4-5", input=300, cache_write=40, cached_input=60, output=10)]  # fmt: skip

OPENAI = "start_time,model,num_model_requests,input_tokens,input_cached_tokens,output_tokens\n"
ANTHROPIC = (
    "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n"
)


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "invoice.csv"
    path.write_text(text, encoding="utf-8")
    return path


def states(path: Path, runs: list[Run] = RUNS) -> dict[str, str]:
    return {line["model"]: line["state"] for line in reconcile(path, runs).to_json()["lines"]}


def test_openai_usage_by_day_and_dated_model(tmp_path: Path) -> None:
    path = csv(
        tmp_path, OPENAI + f"{int(DAY)},gpt-4o-2024-08-06,1,1200,200,100\n{int(DAY) + 9},gpt-4o-2024-08-06,1,500,0,50\n"
    )
    found = reconcile(path, RUNS[:2])
    assert found.agrees
    assert found.to_json()["lines"][0]["date"] == "2025-11-01"
    assert found.to_json()["says"].startswith("1 of 1 lines agree")


def test_anthropic_usage_has_uncached_input_apart(tmp_path: Path) -> None:
    path = csv(tmp_path, ANTHROPIC + "2025-11-01,claude-sonnet-4-5-20250929,300,40,0,60,10\n")
    assert reconcile(path, RUNS[2:]).agrees


def test_plain_tables_with_dollars(tmp_path: Path) -> None:
    path = csv(tmp_path, "Date,Model,Cost\n2025-11-01,gpt-4o,$0.0055\n2025-11-02,gpt-4o,1.00\n")
    found = reconcile(path, RUNS[:2]).to_json()
    assert [line["state"] for line in found["lines"]] == ["equal", "missing in the traces"]
    assert found["agrees"] is False
    assert "$1.01" in found["says"]


def test_differences_are_told_line_by_line(tmp_path: Path) -> None:
    path = csv(tmp_path, OPENAI + f"{int(DAY)},gpt-4o,1,1700,200,140\n")
    found = reconcile(path, RUNS)
    assert states(path) == {"openai:gpt-4o": "different", "anthropic:claude-sonnet-4-5": "missing in the invoice"}
    line = next(line for line in found.to_json()["lines"] if line["model"] == "openai:gpt-4o")
    assert line["difference"]["tokens"] == 10
    assert not found.agrees


def test_estimates_agree_within_what_they_may_be_off(tmp_path: Path) -> None:
    guessed = measure(
        replace(made := trace("hi there", ("Hello.",)), steps=[replace(made.steps[0], started=DAY)]), Book(load())
    )
    tokens = guessed.usage
    near = csv(tmp_path, OPENAI + f"{int(DAY)},gpt-4o,1,{tokens.prompt + 1},0,{tokens.output}\n")
    assert states(near, [guessed]) == {"openai:gpt-4o": "within the estimate"}
    far = csv(tmp_path, OPENAI + f"{int(DAY)},gpt-4o,1,{tokens.prompt * 2},0,{tokens.output}\n")
    assert states(far, [guessed]) == {"openai:gpt-4o": "different"}


def test_runs_without_times_are_apart(tmp_path: Path) -> None:
    path = csv(tmp_path, OPENAI + f"{int(DAY)},gpt-4o,1,10,0,1\n")
    found = reconcile(path, [recorded(start=None, input=10, output=1)])
    assert found.to_json()["undated_calls"] == 1
    assert not found.agrees
    undated = csv(tmp_path, "model,input_tokens,output_tokens\ngpt-4o,10,1\n")
    assert reconcile(undated, [recorded(start=None, input=10, output=1)]).agrees


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "has no column of a model"),
        ("date,model,cost\n2025-11-01,gpt-4o,lots\n", "line 2: cost is no number"),
        ("date,model,cost\nyesterday,gpt-4o,1\n", "line 2: date is no date"),
    ],
)
def test_a_wrong_invoice_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        reconcile(csv(tmp_path, text), RUNS)
    with pytest.raises(InputError, match="cannot be read"):
        reconcile(tmp_path / "gone.csv", RUNS)
