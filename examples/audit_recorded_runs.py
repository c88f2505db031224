"""Where recorded runs spent their money: three runs of a chat agent, written as JSON lines, and audited.

Give files of your own instead: python examples/audit_recorded_runs.py traces/
"""

import json
import sys
from pathlib import Path

from scrimp.audit.audit import Options, audit_paths

POLICY = "You are an airline's agent. " * 60
LOOK_UP = {"id": "c1", "type": "function", "function": {"name": "get_flight", "arguments": '{"number": "SK42"}'}}
AGAIN = {**LOOK_UP, "id": "c2"}
FLIGHT = "SK42 leaves Bergen at 07:45 and costs 1,203 kroner. " * 20


def recorded() -> Path:
    """A file of runs that ask twice for the same flight."""
    messages = [
        {"role": "system", "content": POLICY},
        {"role": "user", "content": "When does SK42 leave?"},
        {"role": "assistant", "tool_calls": [LOOK_UP]},
        {"role": "tool", "tool_call_id": "c1", "content": FLIGHT},
        {"role": "assistant", "tool_calls": [AGAIN]},
        {"role": "tool", "tool_call_id": "c2", "content": FLIGHT},
        {"role": "assistant", "content": "At 07:45."},
    ]
    runs = [{"model": "gpt-4o", "task_id": task, "reward": 1, "messages": messages} for task in range(3)]
    file = Path("runs.jsonl")
    file.write_text("".join(json.dumps(run) + "\n" for run in runs), encoding="utf-8")
    return file


def main(*paths: str) -> None:
    document = audit_paths(paths or [recorded()], Options(runs_per_month=10_000)).to_json()
    print(f"{document['runs']} runs, {document['cost']['amount']} dollars")
    for cause, cell in document["causes"].items():
        if float(cell["cost"]["amount"] or 0):
            print(f"  {cause:15} {float(cell['cost']['amount']):.6f}")
    for row in document["waste"]:
        print(f"waste: {row['title']}, {row['count']} times, {row['per_month']:.2f} dollars a month")
    for row in document["remedies"][:3]:
        print(f"remedy: {row['title']}, {row['per_month']:.2f} dollars a month ({row['exactness']})")


if __name__ == "__main__":
    main(*sys.argv[1:])
