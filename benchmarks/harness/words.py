"""The task that both sides are given: n questions of one length, one answer, and who of them it is right for."""

from __future__ import annotations

INSTRUCTIONS = (
    "You solve tasks with the help of tools. Think about what is still missing, call a tool when you need it, read "
    "its result, and go on. Never guess what a tool can tell you. As soon as you know the answer, reply with the "
    "answer itself, in the form the task asks for, and nothing else."
)
"""What scrimp's baseline planner tells the model before the question; the other side is told the same."""

ANSWER = "The crate holds forty-two brass hinges, and nobody has counted them again."
OTHER = "The crate holds forty-one brass hinges, and nobody has counted them again."


def question(number: int) -> str:
    """Question `number`; all differ, and all are of one length."""
    return (
        f"Report {number:06d} of the store. A crate came in with the morning lorry and was put beside the others on "
        "the second shelf. The clerk counted what was in it, wrote the number on the lid, and went to lunch. In the "
        "afternoon two of the hinges were taken out for the door of the office and put back again before the evening, "
        "since they did not fit. How many hinges does the crate hold now? Answer in one sentence."
    )


def gold(number: int) -> str:
    """The right answer: the one the model gives, but for every fourth question, so that scoring has something to do."""
    return OTHER if number % 4 == 3 else ANSWER


def right(n: int) -> int:
    """How many of the first n questions the model answers rightly."""
    return sum(gold(number) == ANSWER for number in range(n))
