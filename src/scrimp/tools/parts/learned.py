"""What a training of tool use leaves behind: arrays of numbers in a file that a System names by path and hash."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrimp.core.errors import InputError
from scrimp.core.protocols import Artifact

FACTS = "facts"
"""Name of the array that holds the facts, as the bytes of their JSON."""


def keep(path: str, arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> Artifact:
    """Write arrays and facts to `path`; equal content gives an equal hash.

    Raises:
        InputError: no path is given, or it cannot be written.
    """
    import numpy as np

    if not path:
        raise InputError("nobody said where the training's result goes", remedy="artifact = 'FILE.npz'")
    buffer = io.BytesIO()
    said = np.frombuffer(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode(), dtype=np.uint8)
    np.savez(buffer, **{**arrays, FACTS: said})
    data = buffer.getvalue()
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    return Artifact(path, hashlib.sha256(data).hexdigest(), facts)


def fetch(path: str, wanted: str, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and facts of an artifact; nothing in it is run.

    Args:
        wanted: the hash that the System names; any where empty.
        method: whose artifact it is, for the message.

    Raises:
        InputError: there is none, it is another one than the System names, or no artifact at all.
    """
    import numpy as np

    if not path:
        raise InputError(f"{method} has to be trained first", remedy="its train() writes a file; then artifact = FILE")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{method}: {path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if wanted and wanted != found:
        raise InputError(
            f"{method}: {path} has hash {found[:12]}, the System names {wanted[:12]}", remedy="train again"
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts: dict[str, Any] = json.loads(arrays.pop(FACTS).tobytes())
    except Exception as error:  # a file that is none fails in numpy, in zip or in JSON, each in its own way
        raise InputError(f"{method}: {path} holds no training's result: {type(error).__name__}") from error
    return arrays, facts
