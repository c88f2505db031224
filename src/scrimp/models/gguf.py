"""What a GGUF file says of itself: the key-value block at its head, without loading the weights."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from scrimp.core.errors import InputError

MAGIC = b"GGUF"
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST = 1 << 20
_MOST_KEYS = 4096


def read_head(path: Path) -> Mapping[str, Any]:
    """The `general.*` and architecture keys of a GGUF file, by name.

    Reading stops at the tokenizer's keys, which hold the whole vocabulary.

    Raises:
        InputError: no such file, or it is no GGUF file.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != MAGIC:
                raise InputError(f"{path} is not a GGUF file", remedy="give a model file that llama.cpp can load")
            return _read_keys(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (struct.error, UnicodeDecodeError, ValueError, KeyError):
        raise InputError(f"{path} is a broken GGUF file", remedy="fetch it again") from None


def context_length(head: Mapping[str, Any]) -> int | None:
    """The context the model was trained for, in tokens; None where the file does not say."""
    value = head.get(f"{head.get('general.architecture')}.context_length")
    return value if isinstance(value, int) and value > 0 else None


def _read_keys(file: BinaryIO) -> Mapping[str, Any]:
    _version, _tensors, count = struct.unpack("<IQQ", file.read(20))
    if count > _MOST_KEYS:
        raise ValueError("too many keys")
    keys: dict[str, Any] = {}
    for _ in range(count):
        name = _string(file)
        if name.startswith("tokenizer."):
            break
        (kind,) = struct.unpack("<I", file.read(4))
        keys[name] = _value(file, kind)
    return keys


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = struct.unpack("<IQ", file.read(12))
        if count > _LONGEST or inner == _ARRAY:
            raise ValueError("array too long")
        return [_value(file, inner) for _ in range(count)]
    code = "<" + _SCALARS[kind]
    return struct.unpack(code, file.read(struct.calcsize(code)))[0]


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LONGEST:
        raise ValueError("string too long")
    data = file.read(length)
    if len(data) != length:
        raise ValueError("file ends early")
    return data.decode("utf-8")
