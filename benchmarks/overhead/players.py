"""The process of one variant, in its own environment, told run by run what to do."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from overhead.environments import HERE, Framework, Unavailable

KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
"""What of the environment is passed on: no key and no switch of any framework."""


class Player:
    """One variant of one framework.

    Raises:
        Unavailable: it does not start, a run fails, or the dialogue was not played as it is written.
    """

    def __init__(self, framework: Framework, variant: str, python: Path) -> None:
        self.framework, self.variant, self.label = framework, variant, framework.variants[variant]
        self._home = tempfile.TemporaryDirectory()
        self._errors = Path(self._home.name) / "stderr.txt"
        env = {key: os.environ[key] for key in KEPT if key in os.environ}
        env |= {"HOME": self._home.name, "SCRIMP_HOME": self._home.name, "PYTHONPATH": str(HERE)}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python), str(framework.script), variant],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=env,
            )  # fmt: skip
        self.versions: dict[str, str] = self._answer()["ready"]

    def run(self, rounds: int, run: int) -> float:
        """Seconds of one whole run of so many rounds."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"rounds": rounds, "run": run}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # why it ended is read below
        return float(self._answer()["seconds"])

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._home.cleanup()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            if "error" not in answer:
                return answer
            said = answer["error"]
        else:
            lines = self._errors.read_text(errors="replace").strip().splitlines()
            said = lines[-1] if lines else "its process ended without a word"
        self.close()
        raise Unavailable(said[:300])
