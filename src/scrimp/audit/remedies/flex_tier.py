"""Served when there is room."""

from __future__ import annotations

from scrimp.audit.draft import Draft
from scrimp.audit.remedies.batch_tier import served
from scrimp.audit.remedy import Change


def when_there_is_room(draft: Draft) -> Draft:
    """The draft at the rates of the flex service."""
    return served(draft, "flex")


REMEDY = Change(
    "flex-tier", "Use the slower, cheaper tier", "exact",
    "answers may take minutes, and a call may be refused and have to be sent again",
    "ask for the flex service tier", 81, when_there_is_room, {"model": "?service=flex"},
)  # fmt: skip
