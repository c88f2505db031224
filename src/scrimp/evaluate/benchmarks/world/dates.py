"""Dates as YYYY-MM-DD in the Gregorian calendar; business days are Monday to Friday, without holidays."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from scrimp.evaluate.benchmarks.world.entry import Family, day, whole

FAMILY = Family("dates", price="0.00002", latency=0.03)
add = FAMILY.add

DAY = day()
LATER = day(first=date(2037, 1, 1), span=3000)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date of the form YYYY-MM-DD") from error


@add(
    "number int positive",
    en=("the number of calendar days from {start} to {end}",),
    zh=("从{start}到{end}的日历天数",),
    start=DAY,
    end=LATER,
)
def calendar_days_between(start: str, end: str) -> int:
    """Count calendar days from one date to another; the first day is not counted.

    Args:
        start: First date, YYYY-MM-DD.
        end: Second date, YYYY-MM-DD.
    """
    return (_day(end) - _day(start)).days


@add(
    "number int positive",
    en=("the number of business days (Monday to Friday) from {start} to {end}, the first day not counted",),
    zh=("从{start}到{end}的工作日天数（周一至周五，不含首日）",),
    start=DAY,
    end=LATER,
)
def business_days_between(start: str, end: str) -> int:
    """Count business days (Monday to Friday) after one date up to and including another.

    Args:
        start: First date, YYYY-MM-DD.
        end: Second date, YYYY-MM-DD, not before the first.
    """
    first, last = _day(start), _day(end)
    if last < first:
        raise ValueError("end lies before start")
    weeks, rest = divmod((last - first).days, 7)
    return weeks * 5 + sum((first + timedelta(days=i)).weekday() < 5 for i in range(1, rest + 1))


@add(
    "text date",
    en=("the date {days} calendar days after {start}",),
    zh=("{start}之后{days}个日历日的日期",),
    start=DAY,
    days=whole(113, 2999),
)
def add_calendar_days(start: str, days: int) -> str:
    """The date a number of calendar days later.

    Args:
        start: The date, YYYY-MM-DD.
        days: Calendar days to add.
    """
    return (_day(start) + timedelta(days=days)).isoformat()


@add(
    "text date",
    en=("the date {days} business days (Monday to Friday) after {start}",),
    zh=("{start}之后{days}个工作日（周一至周五）的日期",),
    start=DAY,
    days=whole(23, 299),
)
def add_business_days(start: str, days: int) -> str:
    """The date a number of business days (Monday to Friday) later.

    Args:
        start: The date, YYYY-MM-DD.
        days: Business days to add, 0 to 5000.
    """
    if not 0 <= days <= 5000:
        raise ValueError("days must be 0 to 5000")
    now = _day(start)
    while days:
        now += timedelta(days=1)
        days -= now.weekday() < 5
    return now.isoformat()


@add(
    "text date",
    en=("the date {months} months after {start} (the month's last day where that day does not exist)",),
    zh=("{start}之后{months}个月的日期（若无该日则取月末）",),
    start=DAY,
    months=whole(5, 97),
)
def add_months(start: str, months: int) -> str:
    """The date a number of months later; the last day of the month where the day does not exist.

    Args:
        start: The date, YYYY-MM-DD.
        months: Months to add.
    """
    first = _day(start)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1])).isoformat()


@add(
    "text weekday",
    en=("the day of the week of {day} (in English)", "the English name of the weekday on {day}"),
    zh=("{day}是星期几（用英文回答）",),
    day=DAY,
)
def weekday_name(day: str) -> str:
    """The English name of the weekday of a date.

    Args:
        day: The date, YYYY-MM-DD.
    """
    return ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[_day(day).weekday()]


@add("number int positive", en=("the day of the year of {day} (1 January is 1)",), zh=("{day}是当年的第几天",), day=DAY)
def day_of_year(day: str) -> int:
    """Which day of its year a date is; 1 January is 1.

    Args:
        day: The date, YYYY-MM-DD.
    """
    return _day(day).timetuple().tm_yday


@add("number int positive", en=("the ISO week number of {day}",), zh=("{day}的ISO周数",), day=DAY)
def iso_week(day: str) -> int:
    """The ISO 8601 week number of a date.

    Args:
        day: The date, YYYY-MM-DD.
    """
    return _day(day).isocalendar().week


@add(
    "number int positive",
    en=("the number of days left in the year after {day}",),
    zh=("{day}之后当年剩余的天数",),
    day=DAY,
)
def days_left_in_year(day: str) -> int:
    """How many days of the year come after a date; 31 December gives 0.

    Args:
        day: The date, YYYY-MM-DD.
    """
    now = _day(day)
    return (date(now.year, 12, 31) - now).days


@add("text date", en=("the last day of the month of {day}, as a date",), zh=("{day}所在月份的最后一天的日期",), day=DAY)
def end_of_month(day: str) -> str:
    """The last day of the month of a date.

    Args:
        day: The date, YYYY-MM-DD.
    """
    now = _day(day)
    return now.replace(day=calendar.monthrange(now.year, now.month)[1]).isoformat()


@add(
    "number int positive",
    en=("the number of full years from {start} to {end}", "how many years are completed from {start} to {end}"),
    zh=("从{start}到{end}的整年数",),
    start=DAY,
    end=LATER,
)
def full_years_between(start: str, end: str) -> int:
    """Completed years between two dates, as for an age.

    Args:
        start: First date, YYYY-MM-DD.
        end: Second date, YYYY-MM-DD.
    """
    first, last = _day(start), _day(end)
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))
