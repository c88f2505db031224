"""Values of Java and JavaScript, as BFCL wants them: every argument is a text that holds the value in that language.

Written from the behaviour of the official converters (`bfcl-eval` 2026.3.23, `type_convertor/`): what cannot be read as
its declared type stays a text, elements are split at every comma, and only what is at the beginning of a text counts.
`written` is the inverse, for gold: it writes an accepted value the way its language does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

Language = Literal["python", "java", "javascript"]

TYPES: Mapping[Language, Mapping[str, type]] = {
    "python": {"string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list,
               "dict": dict, "any": str},
    "java": {"byte": int, "short": int, "integer": int, "float": float, "double": float, "long": int, "boolean": bool,
             "char": str, "Array": list, "ArrayList": list, "HashMap": dict, "String": str, "any": str},
    "javascript": {"String": str, "integer": int, "float": float, "Bigint": int, "Boolean": bool, "dict": dict,
                   "array": list, "any": str},
}  # fmt: skip
"""Declared types and the Python types that their values are compared as."""

NESTED: Mapping[Language, tuple[str, ...]] = {
    "python": ("array", "tuple"), "java": ("Array", "ArrayList"), "javascript": ("array",),
}  # fmt: skip
"""Types whose elements have a type of their own."""

_NUMBER = r"-?\d+(\.\d+)?"
_JAVA: Mapping[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    **dict.fromkeys(("byte", "short", "integer"), (re.compile(r"^-?\d+$"), int)),
    "float": (re.compile(rf"^{_NUMBER}([eE][+-]?\d+)?[fF]$"), lambda text: float(text[:-1])),
    "double": (re.compile(rf"^{_NUMBER}([eE][+-]?\d+)?$"), float),
    "long": (re.compile(r"^-?\d+[lL]$"), lambda text: int(text[:-1])),
    "boolean": (re.compile(r"^(true|false)\Z"), lambda text: text == "true"),
}
_SCRIPT: Mapping[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "integer": (re.compile(r"^-?\d+$"), int),
    "float": (re.compile(rf"^{_NUMBER}$"), float),
    "Bigint": (re.compile(r"^-?\d+n$"), lambda text: int(text[:-1])),
    "Boolean": (re.compile(r"^(true|false)\Z"), lambda text: text == "true"),
}

_AS_LIST = re.compile(r"new\s+ArrayList<\w*>\(Arrays\.asList\((.+?)\)\)")
_ADDED = re.compile(r"new\s+ArrayList<\w*>\(\)\s*\{\{\s*(.+?)\s*\}\}", re.DOTALL)
_EMPTY_LIST = re.compile(r"new\s+ArrayList<\w*>\(\)")
_ARRAY = re.compile(r"new\s+\w+\[\]\s*\{(.*?)\}")
_MAP = re.compile(r"new\s+HashMap<.*?>\s*\(\)\s*\{\s*\{?\s*(.*?)\s*\}?\s*\}", re.DOTALL)
_EMPTY_MAP = re.compile(r"new\s+HashMap<.*?>\s*\(\)")
_PUT = re.compile(r"put\(\"(.*?)\",\s*(.*?)\)")

_ROWS = re.compile(r"\[\s*\[.*?\]\s*(,\s*\[.*?\]\s*)*\]|\bnew\s+Array\(\s*\[.*?\]\s*(,\s*\[.*?\]\s*)*\)")
_ROW = re.compile(r"\[(.*?)\]|\bnew\s+Array\((.*?)\)")
_INNER = re.compile(r"\[(.*?)\]")
_OBJECT = re.compile(r"\{(.*?)\}")
_PAIR = re.compile(r"([^:]+):\s*(.*?)(?:,\s*(?=[^,]+:)|$)")


def read(language: Language, text: str, declared: str, element: str | None = None) -> Any:
    """The value that a text holds in its language; the text itself where it holds none of the declared type."""
    return _java(text, declared, element) if language == "java" else _script(text, declared, element)


def written(language: Language, value: Any, declared: str, element: str | None = None) -> str:
    """A value the way its language writes it, so that `read` gives it back; a text that names a variable stays one."""
    if isinstance(value, str):
        return value
    return _in_java(value, declared, element) if language == "java" else _in_script(value, declared)


# -- Java ---------------------------------------------------------------------------------------------


def _java(text: str, declared: str, element: str | None) -> Any:
    if declared in _JAVA:
        pattern, value = _JAVA[declared]
        return value(text) if pattern.match(text) else text
    if declared == "ArrayList":
        return _java_list(text, element)
    if declared == "Array":
        found = _ARRAY.search(text)
        parts = [one.strip() for one in found[1].split(",")] if found else []
        return text if found is None else [_java_element(one, element) for one in parts if one]
    if declared == "HashMap":
        return _java_map(text)
    return text


def _java_list(text: str, element: str | None) -> Any:
    if found := _AS_LIST.search(text):
        return [_java_member(one.strip(), element) for one in found[1].split(",")]
    if found := _ADDED.search(text):
        return [_java_member(one.strip(), element) for one in re.findall(r"add\((.+?)\)", found[1])]
    return [] if _EMPTY_LIST.search(text) else text


def _java_member(text: str, element: str | None) -> Any:
    """An element of a list: texts and letters stand in quotes."""
    return text[1:-1] if element in ("char", "String") else _java_element(text, element)


def _java_element(text: str, element: str | None) -> Any:
    return _java(text, element, None) if element else _java_guess(text)


def _java_map(text: str) -> Any:
    if found := _MAP.search(text):
        return {key: _java_guess(value.strip()) for key, value in _PUT.findall(found[1])} if found[1].strip() else {}
    return {} if _EMPTY_MAP.search(text) else text


def _java_guess(text: str) -> Any:
    """A value whose type nobody states."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    for kind in ("long", "float"):
        pattern, value = _JAVA[kind]
        if pattern.match(text):
            return value(text)
    return _number(text)


def _in_java(value: Any, declared: str, element: str | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        if declared == "Array":  # the official reading leaves the quotes of its texts where they are
            inner = ", ".join(one if isinstance(one, str) else _java_inner(one, element) for one in value)
            return f"new {element or 'Object'}[]{{{inner}}}"
        inner = ", ".join(_java_inner(one, element) for one in value)
        return f"new ArrayList<>(Arrays.asList({inner}))" if value else "new ArrayList<>()"
    if isinstance(value, dict):
        puts = " ".join(f'put("{key}", {_java_inner(one, None)});' for key, one in value.items())
        return f"new HashMap<>() {{{{ {puts} }}}}"
    return f"{value}{ {'float': 'f', 'long': 'L'}.get(declared, '') }"


def _java_inner(value: Any, element: str | None) -> str:
    if isinstance(value, str):
        return f"'{value}'" if element == "char" else f'"{value}"'
    return _in_java(value, element or "", None)


# -- JavaScript ---------------------------------------------------------------------------------------


def _script(text: str, declared: str, element: str | None) -> Any:
    if declared in _SCRIPT:
        pattern, value = _SCRIPT[declared]
        return value(text) if pattern.match(text) else text
    if declared == "String":
        return _unquoted(text)
    if declared == "array":
        return _script_list(text.strip(), element)
    return _script_object(text.strip()) if declared == "dict" else text


def _script_list(text: str, element: str | None) -> Any:
    if rows := _ROWS.match(text):
        inner = [one.strip().removeprefix("[") if place == 0 else one.strip()
                 for place, one in enumerate(_INNER.findall(rows[0]))]  # fmt: skip
        return [[_script_guess(one.strip()) for one in row.split(",")] for row in inner]
    found = _ROW.match(text)
    if found is None:
        return text
    held = (found[1] if found[1] is not None else found[2] or "").strip()
    parts = [one.strip() for one in held.split(",")] if held else []
    try:
        return [_script(one, element, None) if element else _script_guess(one) for one in parts]
    except ValueError:
        return text


def _script_object(text: str) -> Any:
    if text == "{}":
        return {}
    found = _OBJECT.match(text)
    if found is None:
        return text
    out: dict[str, Any] = {}
    for key, value in ((key.strip().strip("'\""), value.strip()) for key, value in _PAIR.findall(found[1])):
        if value.startswith("[") and value.endswith("]"):
            out[key] = _script_list(value, None)
        elif value.startswith("{") and value.endswith("}"):
            out[key] = _script_object(value)
        else:
            out[key] = _script_guess(value.strip("'\""))
    return out


def _script_guess(text: str) -> Any:
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    plain = _unquoted(text)
    return plain if plain != text else _number(text)


def _in_script(value: Any, declared: str = "") -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_in_script(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_in_script(one)}' for key, one in value.items())}}}"
    return f"'{value}'" if isinstance(value, str) else f"{value}{'n' if declared == 'Bigint' else ''}"


def _unquoted(text: str) -> str:
    quoted = any(text.startswith(mark) and text.endswith(mark) for mark in "\"'")
    return text[1:-1] if quoted else text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
