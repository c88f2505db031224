"""What the SQL of both databases has in common: the columns of a record, and conditions on its times and relation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scrimp.core.records import Filter

FIELDS = "id, text, kind, data, sources, created, valid_from, valid_to, ended, head, relation, tail"
OF_R = ", ".join(f"r.{name}" for name in FIELDS.split(", "))
"""The same, of records that a query calls `r`."""


def moments(filter: Filter, mark: Callable[[str], str]) -> tuple[list[str], dict[str, Any]]:
    """Conditions on times and relation over `r`, and their values.

    Args:
        mark: how a value of a name is written in a statement.
    """
    parts, values = list[str](), dict[str, Any]()
    if filter.at is not None:
        at = mark("at")
        parts.append(f"(r.valid_from IS NULL OR r.valid_from <= {at}) AND (r.valid_to IS NULL OR {at} < r.valid_to)")
        values["at"] = filter.at
    if not filter.ended:
        parts.append("r.ended IS NULL")
    if filter.since is not None:
        parts.append(f"r.created >= {mark('since')}")
        values["since"] = filter.since
    if filter.before is not None:
        parts.append(f"r.created < {mark('before')}")
        values["before"] = filter.before
    if filter.relation:
        parts.append(f"r.relation = {mark('relation')}")
        values["relation"] = filter.relation
    return parts, values
