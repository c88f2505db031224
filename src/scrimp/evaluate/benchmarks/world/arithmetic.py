"""Arithmetic on numbers too big for the head."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from scrimp.evaluate.benchmarks.world.entry import Family, real, whole

FAMILY = Family("arithmetic", price="0.00001", latency=0.02)
add = FAMILY.add

BIG = real(1000, 99999, 3, takes="number")
INT = whole(10_000, 9_999_999, takes="int")


@add("number", en=("the sum of {a} and {b}", "{a} plus {b}"), zh=("{a}与{b}的和",), a=BIG, b=BIG)
def add_numbers(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: First number.
        b: Second number.
    """
    return round(a + b, 6)


@add("number", en=("{a} minus {b}", "what is left of {a} after taking away {b}"), zh=("{a}减去{b}的差",), a=BIG, b=BIG)
def subtract_numbers(a: float, b: float) -> float:
    """Subtract the second number from the first.

    Args:
        a: Number to subtract from.
        b: Number to take away.
    """
    return round(a - b, 6)


@add(
    "number positive",
    en=("the absolute difference between {a} and {b}", "how far apart {a} and {b} are as a non-negative number"),
    zh=("{a}与{b}之差的绝对值",),
    a=BIG,
    b=BIG,
)
def absolute_difference(a: float, b: float) -> float:
    """The distance between two numbers, never negative.

    Args:
        a: One number.
        b: The other number.
    """
    return round(abs(a - b), 6)


@add(
    "number",
    en=("the product of {a} and {b}", "{a} multiplied by {b}"),
    zh=("{a}与{b}的乘积",),
    a=BIG,
    b=real(11, 99, 2),
)
def multiply_numbers(a: float, b: float) -> float:
    """Multiply two numbers; the product is rounded to 6 decimals.

    Args:
        a: First factor.
        b: Second factor.
    """
    return round(a * b, 6)


@add(
    "number",
    en=("{a} divided by {b}, rounded to 6 decimals", "the exact quotient {a} / {b} to 6 decimals"),
    zh=("{a}除以{b}的商（保留6位小数）",),
    a=BIG,
    b=real(11, 99, 2),
)
def divide_numbers(a: float, b: float) -> float:
    """Divide with decimals; the quotient is rounded to 6 decimals.

    Args:
        a: Dividend.
        b: Divisor, not zero.
    """
    return round(a / b, 6)


@add(
    "number int",
    en=("the whole-number quotient of {a} by {b} without remainder", "how many whole times {b} goes into {a}"),
    zh=("{a}除以{b}的整数商（舍去余数）",),
    a=INT,
    b=whole(113, 997),
)
def integer_quotient(a: int, b: int) -> int:
    """Divide whole numbers and drop the remainder (floor).

    Args:
        a: Dividend.
        b: Divisor, not zero.
    """
    return a // b


@add(
    "number int positive",
    en=("the remainder of {a} divided by {b}", "{a} modulo {b}"),
    zh=("{a}除以{b}的余数",),
    a=INT,
    b=whole(113, 997),
)
def remainder(a: int, b: int) -> int:
    """The remainder of a whole-number division.

    Args:
        a: Dividend.
        b: Divisor, not zero.
    """
    return a % b


@add(
    "number int positive",
    en=("{base} to the power {exponent}, modulo {modulus}",),
    zh=("{base}的{exponent}次方对{modulus}取模的结果",),
    base=INT,
    exponent=whole(12, 97),
    modulus=whole(1009, 99991),
)
def power_modulo(base: int, exponent: int, modulus: int) -> int:
    """Raise a whole number to a power and reduce it modulo another.

    Args:
        base: The base.
        exponent: The exponent, not negative.
        modulus: The modulus, above zero.
    """
    if exponent < 0 or modulus <= 0:
        raise ValueError("exponent must not be negative and modulus must be above zero")
    return pow(base, exponent, modulus)


@add(
    "number int positive",
    en=("the greatest common divisor of {a} and {b}", "the largest whole number that divides both {a} and {b}"),
    zh=("{a}与{b}的最大公约数",),
    a=INT,
    b=whole(10_000, 99_999),
)
def greatest_common_divisor(a: int, b: int) -> int:
    """The greatest common divisor of two whole numbers.

    Args:
        a: One number.
        b: The other number.
    """
    return math.gcd(a, b)


@add(
    "number int positive",
    en=("the least common multiple of {a} and {b}", "the smallest positive number that both {a} and {b} divide"),
    zh=("{a}与{b}的最小公倍数",),
    a=INT,
    b=whole(113, 997),
)
def least_common_multiple(a: int, b: int) -> int:
    """The least common multiple of two whole numbers.

    Args:
        a: One number.
        b: The other number.
    """
    return math.lcm(a, b)


@add(
    "number int positive",
    en=("the digit sum of {n}", "the sum of the decimal digits of {n}"),
    zh=("{n}的各位数字之和",),
    n=whole(10**9, 10**12, takes="int"),
)
def digit_sum(n: int) -> int:
    """Add up the decimal digits once.

    Args:
        n: A whole number; its sign is ignored.
    """
    return sum(int(digit) for digit in str(abs(n)))


@add(
    "number int positive",
    en=("the digital root of {n} (digits summed until one digit is left)",),
    zh=("{n}的数字根（反复求各位数字之和直到剩一位）",),
    n=whole(10**9, 10**12, takes="int"),
)
def digital_root(n: int) -> int:
    """Add up the decimal digits again and again until one digit is left.

    Args:
        n: A whole number; its sign is ignored.
    """
    n = abs(n)
    return 0 if n == 0 else 1 + (n - 1) % 9


@add(
    "number",
    en=("{percent} percent of {whole}", "the part of {whole} that {percent} percent makes"),
    zh=("{whole}的百分之{percent}",),
    percent=real(3, 97, 2),
    whole=BIG,
)
def percent_of(percent: float, whole: float) -> float:
    """Take a percentage of a number.

    Args:
        percent: The percentage, 25 for a quarter.
        whole: The number it is taken of.
    """
    return round(whole * percent / 100, 6)


@add(
    "number",
    en=("the percentage change from {old} to {new}", "by how many percent {new} is above {old} (negative if below)"),
    zh=("从{old}到{new}的百分比变化",),
    old=BIG,
    new=BIG,
)
def percent_change(old: float, new: float) -> float:
    """The change from one number to another, in percent of the first.

    Args:
        old: Where it starts, not zero.
        new: Where it ends.
    """
    return round((new - old) / old * 100, 6)


@add(
    "number",
    en=("the share of {part} in {whole}, in percent", "what percentage {part} is of {whole}"),
    zh=("{part}占{whole}的百分比",),
    part=BIG,
    whole=BIG,
)
def percentage_share(part: float, whole: float) -> float:
    """How much one number is of another, in percent.

    Args:
        part: The part.
        whole: The whole, not zero.
    """
    return round(part / whole * 100, 6)


@add(
    "number positive",
    en=("the square root of {x} to 6 decimals", "the positive number whose square is {x}, to 6 decimals"),
    zh=("{x}的平方根（保留6位小数）",),
    x=real(1000, 999999, 2, takes="positive"),
)
def square_root(x: float) -> float:
    """The square root, rounded to 6 decimals.

    Args:
        x: A number, not negative.
    """
    return round(math.sqrt(x), 6)


@add(
    "number",
    en=("{x} rounded half up to {digits} decimals",),
    zh=("{x}四舍五入到{digits}位小数的值",),
    x=real(1000, 99999, 5, takes="number"),
    digits=whole(1, 3),
)
def round_half_up(x: float, digits: int) -> float:
    """Round commercially: a half goes away from zero.

    Args:
        x: The number.
        digits: Decimals to keep, 0 to 9.
    """
    return float(Decimal(repr(x)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


@add(
    "number",
    en=("{x} rounded half to even (banker's rounding) to {digits} decimals",),
    zh=("{x}按银行家舍入法（五成双）保留{digits}位小数的值",),
    x=real(1000, 99999, 5, takes="number"),
    digits=whole(1, 3),
)
def round_half_even(x: float, digits: int) -> float:
    """Round like a banker: a half goes to the even neighbour.

    Args:
        x: The number.
        digits: Decimals to keep, 0 to 9.
    """
    return float(Decimal(repr(x)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))
