"""An experiment's folder: what it is, its finished trials, its result. A folder that holds some of it is gone on with.

experiment.json   what is compared, on what, and the identity of both
trials.jsonl      one line for each finished trial, written when it is finished
journal.sqlite    the journal of its runs
result.json       what it all came to
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from scrimp.core.errors import InputError, OutsideError
from scrimp.core.events import ulid
from scrimp.core.messages import digest
from scrimp.journal.locks import write_whole

FORMAT = "scrimp-experiment/1"
WHAT, TRIALS, RESULT, JOURNAL = "experiment.json", "trials.jsonl", "result.json", "journal.sqlite"


@dataclass
class Folder:
    """The files of one experiment.

    Attributes:
        id: of the experiment, the same when it is gone on with.
        done: finished trials of earlier sessions, as JSON, by their place.
        again: whether an earlier session began it.
    """

    path: Path
    id: str
    again: bool = False
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lines: IO[str] | None = None

    @classmethod
    def open(
        cls, path: Path, facts: Mapping[str, Any], id_: str = "", beside: Mapping[str, Any] | None = None
    ) -> Folder:
        """Begin an experiment in a folder, or go on with the one that is there.

        Args:
            facts: everything that the experiment's identity rests on.
            id_: of a new experiment; made where empty.
            beside: written down as well, but may change when it is gone on with.

        Raises:
            InputError: the folder holds another experiment, or files that are none of an experiment's.
            OutsideError: the disk refuses.
        """
        identity = digest(facts)
        try:
            path.mkdir(parents=True, exist_ok=True)
            known = _read(path / WHAT)
            if known is None:
                if (path / TRIALS).exists():
                    raise InputError(f"{path} holds trials, but not of which experiment", remedy="name another --out")
                folder = cls(path, id_ or ulid())
                _write_what(folder, identity, facts, beside)
                return folder
        except OSError as error:
            raise OutsideError(f"the folder {path} cannot be used: {error.strerror}") from error
        if known.get("identity") != identity:
            different = sorted(key for key in facts if digest(known.get(key)) != digest(facts[key]))
            what = ", ".join(different) or "something"
            raise InputError(f"{path} holds another experiment ({what} differs)", remedy="name another --out")
        folder = cls(path, str(known["id"]), True, trials_of(path))
        _write_what(folder, identity, facts, beside)
        return folder

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.path / JOURNAL

    def add(self, place: str, trial: Mapping[str, Any]) -> None:
        """Write down a finished trial."""
        if self._lines is None:
            self._lines = _appending(self.path / TRIALS)
        self._lines.write(json.dumps({"place": place, **trial}, ensure_ascii=False) + "\n")
        self._lines.flush()

    def close(self, result: Mapping[str, Any] | None = None) -> None:
        """Close the trials, and write down what they came to."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if result is not None:
            write_whole(self.path / RESULT, json.dumps(result, ensure_ascii=False, indent=1))


def _write_what(folder: Folder, identity: str, facts: Mapping[str, Any], beside: Mapping[str, Any] | None) -> None:
    whole = {"format": FORMAT, "id": folder.id, "identity": identity, **facts, **(beside or {})}
    write_whole(folder.path / WHAT, json.dumps(whole, ensure_ascii=False, indent=1))


def _read(path: Path) -> dict[str, Any] | None:
    """What experiment a folder holds; None for none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path} is damaged", remedy="name another --out") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{path} is of no experiment that this version knows", remedy="name another --out")
    return data


def trials_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Finished trials by place; a last line that was cut when its process ended is none."""
    found: dict[str, dict[str, Any]] = {}
    path = folder / TRIALS
    if not path.exists():
        return found
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                trial = json.loads(line)
            except ValueError:
                continue
            found[str(trial.get("place"))] = trial
    return found


def _appending(path: Path) -> IO[str]:
    """The file, at its end, whatever was cut off there before."""
    cut = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    lines = path.open("a", encoding="utf-8")
    if cut:
        lines.write("\n")
    return lines
