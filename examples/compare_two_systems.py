"""Two ways of building an agent on the same tasks, with paired statistics.

The model here is an oracle: it costs nothing to run and shows structure only. Put `model="local"` for a real one.
"""

import sys

from scrimp import System, compare


def main(n: int = 200) -> None:
    slow = System(name="react", planner="react")
    fast = System(name="plan", planner="plan-then-execute", tool_text="signature")
    result = compare([slow, fast], "toolworld", model="oracle?error=0.1", n=n)
    for row in result["systems"]:
        low, high = row["effectiveness"]["interval"]
        print(f"{row['name']:6} success {low:.2f} to {high:.2f}, {row['cost']['mean']:.6f} dollars per task")
    for pair in result["pairs"]:
        print(pair["says"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
