"""Look-ups in the invented table of staff."""

from __future__ import annotations

from scrimp.evaluate.benchmarks.world.entry import Family, choice
from scrimp.evaluate.benchmarks.world.invented import find, world

FAMILY = Family("staff", price="0.001", latency=0.4)
add = FAMILY.add

PERSON = choice(tuple(world().staff), takes="person")


@add(
    "text person",
    en=("the line manager of {person}", "the person to whom {person} reports"),
    zh=("员工{person}的直属上级",),
    person=PERSON,
)
def staff_manager(person: str) -> str:
    """Line manager of a member of staff.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["manager"])


@add(
    "text person",
    en=("the mentor of {person}", "the person who mentors {person}"),
    zh=("员工{person}的导师",),
    person=PERSON,
)
def staff_mentor(person: str) -> str:
    """Mentor of a member of staff, who is not the manager.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["mentor"])


@add("text city", en=("the city in which {person} has an office",), zh=("员工{person}办公室所在的城市",), person=PERSON)
def staff_office_city(person: str) -> str:
    """City where a member of staff works.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["office"])


@add("text city", en=("the city in which {person} lives",), zh=("员工{person}居住的城市",), person=PERSON)
def staff_home_city(person: str) -> str:
    """City where a member of staff lives.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["home"])


@add("number int positive", en=("the yearly salary of {person}",), zh=("员工{person}的年薪",), person=PERSON)
def staff_salary(person: str) -> int:
    """Yearly salary of a member of staff.

    Args:
        person: Full name of the member of staff.
    """
    return int(find(world().staff, person, "member of staff")["salary"])


@add("text date", en=("the date on which {person} was hired",), zh=("员工{person}的入职日期",), person=PERSON)
def staff_hire_date(person: str) -> str:
    """Date on which a member of staff was hired, YYYY-MM-DD.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["hired"])


@add(
    "text date",
    en=("the date on which {person} was last promoted",),
    zh=("员工{person}最近一次晋升的日期",),
    person=PERSON,
)
def staff_promotion_date(person: str) -> str:
    """Date of the last promotion of a member of staff, YYYY-MM-DD.

    Args:
        person: Full name of the member of staff.
    """
    return str(find(world().staff, person, "member of staff")["promoted"])
