"""Where an answer stands below the thought that led to it."""

from __future__ import annotations

import re

ENDING = 'End with a line "Answer: ..." that holds the answer itself, in the form the task asks for, and nothing else.'
"""What a prompt asks for, so that `conclusion` finds it."""

_ANSWER = re.compile(r"^[ \t*#>-]*answer[ \t*]*[:：][ \t*]*", re.IGNORECASE | re.MULTILINE)


def conclusion(text: str) -> str:
    """What follows the last line that begins with `Answer:`; the whole text where none does."""
    *_, last = ["", *_ANSWER.split(text)]
    return (last or text).strip()
