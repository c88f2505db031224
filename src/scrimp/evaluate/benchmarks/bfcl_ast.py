"""The AST rules of BFCL v4, written from the official checker's behaviour.

A call is right when the function's name is equal, every required parameter is there, no unknown one
is, each value has the declared type and is among the accepted ones, and a parameter is left out only
where the empty string is among its accepted values. Agreement with `bfcl-eval` 2026.3.23
(`eval_checker/ast_eval/ast_checker.py`) is tested. Source: Patil et al., ICML 2025, and that package.

Oddities kept on purpose, since scores must be the official ones: a value of the type of the first
accepted value passes as a "variable" whatever is declared; `any` means string; element types are
looked at one level deep; an accepted empty string accepts an empty list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scrimp.evaluate.benchmarks.bfcl_types import NESTED, TYPES, Language, read

_IGNORED = re.compile(r"[ ,./\-_*^]")


def presented(name: str) -> str:
    """A function's name as native APIs accept it: no dots."""
    return name.replace(".", "_")


def check_calls(
    functions: Sequence[Mapping[str, Any]],
    calls: Sequence[tuple[str, Any]],
    gold: Sequence[Mapping[str, Any]],
    language: Language = "python",
) -> str:
    """What is wrong with the calls of an item, empty where nothing is.

    Args:
        functions: the item's function documents.
        calls: presented names with arguments, in any order.
        gold: the item's `ground_truth`, in each element one function with its accepted values per parameter. Each
            takes the first call that fits it and is not taken, as the official checker does.
    """
    if len(calls) != len(gold):
        return f"expected {len(gold)} call{'s' * (len(gold) > 1)}, got {len(calls)}"
    left = list(calls)
    for one in gold:
        wrongs = [check_call(functions, call, one, language) for call in left]
        if "" not in wrongs:
            return wrongs[0] if len(gold) == 1 else f"no call fits {presented(next(iter(one)))}: {'; '.join(wrongs)}"
        left.pop(wrongs.index(""))
    return ""


def check_call(
    functions: Sequence[Mapping[str, Any]], call: tuple[str, Any], gold: Mapping[str, Any], language: Language
) -> str:
    """What is wrong with one call for one gold call, empty where nothing is."""
    (name, accepted), *_ = gold.items()
    document = next((document for document in functions if document["name"] == name), None)
    if document is None:
        return f"the gold function {name!r} is not among the item's functions"
    said, arguments = call
    if said != presented(name):
        return f"expected a call of {name}, got {said}"
    if not isinstance(arguments, Mapping):
        return "the arguments are no JSON object"
    return check_arguments(document["parameters"], arguments, accepted, language)


def check_arguments(
    parameters: Mapping[str, Any],
    arguments: Mapping[str, Any],
    accepted: Mapping[str, Sequence[Any]],
    language: Language = "python",
) -> str:
    """What is wrong with the arguments of a call, empty where nothing is."""
    for name in parameters["required"]:
        if name not in arguments:
            return f"required parameter {name!r} is missing"
    for name, value in arguments.items():
        if name not in parameters["properties"] or name not in accepted:
            return f"parameter {name!r} is not expected"
        if wrong := _value(parameters["properties"][name], value, accepted[name], language):
            return f"parameter {name!r}: {wrong}"
    for name, values in accepted.items():
        if name not in arguments and "" not in values:
            return f"parameter {name!r} is missing and may not be"
    return ""


def _value(declared: Mapping[str, Any], value: Any, accepted: Sequence[Any], language: Language) -> str:
    kind = declared["type"]
    expected = TYPES[language][kind]
    element = declared["items"]["type"] if kind in NESTED[language] else None
    inner = None if element is None else TYPES[language][element]
    if language != "python":
        if type(value) is not str:
            return f"{value!r} is no text, as a value of {language} must be"
        value = read(language, value, kind, element)
    elif kind == "float" and type(value) is int:
        value = float(value)
    typed, variable = _typed(value, accepted, expected, inner)
    if not typed:
        return f"{value!r} is not of type {kind}"
    if variable:
        right = value in accepted
    elif expected is dict:
        right = _dict(value, accepted)
    elif expected is list:
        right = _dicts(value, accepted) if inner is dict else _list(value, accepted)
    elif expected is str:
        right = plain(value) in [plain(item) for item in accepted if isinstance(item, str)]
    else:
        right = value in accepted
    return "" if right else f"{value!r} is not among {list(accepted)!r}"


def plain(text: Any) -> Any:
    """A string as it is compared: small letters, no blanks or `,./-_*^`, double quotes; others as they are."""
    return _IGNORED.sub("", text).lower().replace("'", '"') if isinstance(text, str) else text


def _typed(value: Any, accepted: Any, expected: type[Any], inner: type[Any] | None) -> tuple[bool, bool]:
    """Whether the type fits, and whether the value stands for a variable of another type."""
    first = next((type(item) for item in accepted if item != ""), None)
    if type(value) is not expected:
        return first is not None and type(value) is first, True
    variable = first is not None and first is not expected
    if inner is None:
        return True, variable
    fits = any(
        not isinstance(option, list) or all(_typed(item, option, inner, None)[0] for item in list(value))
        for option in list(accepted)
    )
    return fits, variable


def _dict(value: Any, accepted: Sequence[Any]) -> bool:
    return isinstance(value, dict) and any(
        option != ""
        and all(key in option and plain(item) in [plain(one) for one in option[key]] for key, item in value.items())
        and all(key in value or "" in items for key, items in option.items())
        for option in accepted
    )


def _dicts(value: Sequence[Any], accepted: Sequence[Any]) -> bool:
    return any(
        len(value) == len(option) and all(_dict(item, [one]) for item, one in zip(value, option, strict=True))
        for option in accepted
    )


def _list(value: Sequence[Any], accepted: Sequence[Any]) -> bool:
    said = [plain(item) for item in value]
    return any(said == [plain(item) for item in option] for option in accepted)
