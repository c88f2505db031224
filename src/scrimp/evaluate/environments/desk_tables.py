"""The database of a service desk: tables of records that many runs share, and each run's own changes on top."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Record = dict[str, Any]
Table = Mapping[str, Record]
Action = Callable[["Tables", Mapping[str, Any]], Any]
"""What a tool does to a database: its result as text or as JSON; Refused where it will not."""


class Refused(ValueError):
    """What a tool of the desk will not do; the words say why."""


class Tables:
    """Tables of records by id. Records are shared until one is changed, and then that one is copied.

    Args:
        base: the database as it was at first; never changed here.
    """

    def __init__(self, base: Mapping[str, Table]) -> None:
        self._base = base
        self._own: dict[str, dict[str, Record]] = {name: {} for name in base}

    def find(self, table: str, key: Any) -> Record | None:
        """A record to look at, not to change; None where there is none."""
        return self._own[table].get(key) or self._base[table].get(key)

    def get(self, table: str, key: Any) -> Record:
        """A record to look at, not to change.

        Raises:
            Refused: there is none; `users` is named `user` then.
        """
        found = self.find(table, key)
        if found is None:
            raise Refused(f"{table[:-1]} not found")
        return found

    def edit(self, table: str, key: str) -> Record:
        """A record to change, which is this database's own from now on.

        Raises:
            Refused: there is none.
        """
        if key not in self._own[table]:
            self._own[table][key] = copy.deepcopy(self.get(table, key))
        return self._own[table][key]

    def put(self, table: str, key: str, record: Record) -> None:
        """A new record, or another one in the place of an old one."""
        self._own[table][key] = record

    def all(self, table: str) -> Iterator[tuple[str, Record]]:
        """Every record under its id, the first ones first."""
        own = self._own[table]
        for key, record in self._base[table].items():
            yield key, own.get(key, record)
        for key, record in own.items():
            if key not in self._base[table]:
                yield key, record

    def copy(self) -> Tables:
        """Another database that stands where this one does."""
        other = Tables(self._base)
        other._own = copy.deepcopy(self._own)
        return other

    def digest(self) -> str:
        """A hash that two databases of one base share if and only if all their records are the same as JSON.

        It is taken over the records that differ from the base, so that it costs no pass over the whole.
        """
        changed = {
            name: {key: record for key, record in own.items() if canonical(record) != self._before(name, key)}
            for name, own in self._own.items()
        }
        return hashlib.sha256(canonical({name: own for name, own in changed.items() if own}).encode()).hexdigest()[:32]

    def _before(self, table: str, key: str) -> str:
        record = self._base[table].get(key)
        return "" if record is None else canonical(record)


def canonical(value: Any) -> str:
    """JSON with its keys in order; 1 and 1.0 differ, as they do in the official hashes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


# -- arithmetic ----------------------------------------------------------------------------------------

LETTERS = frozenset("0123456789+-*/(). ")
LONGEST = 300
"""Letters of an expression; the official ones take any number, and can be made to hang."""
MOST = 1e15
"""Largest number that a power may give."""

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


def calculate(tables: Tables, arguments: Mapping[str, Any]) -> str:
    """An expression of numbers, + - * / and brackets, to 2 decimals.

    Raises:
        Refused: it is none, or too large.
    """
    expression = arguments["expression"]
    if not isinstance(expression, str) or not LETTERS.issuperset(expression):
        raise Refused("invalid characters in expression")
    if len(expression) > LONGEST:
        raise Refused(f"the expression is longer than {LONGEST} letters")
    try:
        return str(round(float(_value(ast.parse(expression.strip(), mode="eval").body)), 2))
    except (SyntaxError, ArithmeticError, RecursionError) as error:
        raise Refused(str(error) or "invalid expression") from error


def _value(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = _value(node.left), _value(node.right)
        if base and abs(power) * math.log(abs(base)) > math.log(MOST):
            raise Refused("the power is too large")
        return base**power
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand))
    raise Refused("only numbers, + - * / and brackets")
