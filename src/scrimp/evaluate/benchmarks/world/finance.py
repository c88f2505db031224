"""Money sums, rounded to 2 decimals; rates are percentages."""

from __future__ import annotations

from scrimp.evaluate.benchmarks.world.entry import Family, real, whole

FAMILY = Family("finance", price="0.00005", latency=0.05)
add = FAMILY.add

AMOUNT = real(1000, 99999, 2, takes="positive")
RATE = real(2, 24, 2)
YEARS = whole(3, 27)


@add(
    "number positive",
    en=("the price with tax for a net price of {net} at a tax rate of {rate} percent",),
    zh=("净价{net}、税率{rate}%时的含税价",),
    net=AMOUNT,
    rate=RATE,
)
def add_tax(net: float, rate: float) -> float:
    """The price including tax, from a price without tax.

    Args:
        net: Price without tax.
        rate: Tax rate in percent.
    """
    return round(net * (1 + rate / 100), 2)


@add(
    "number positive",
    en=("the price without tax for a tax-inclusive price of {gross} at a tax rate of {rate} percent",),
    zh=("含税价{gross}、税率{rate}%时的不含税价",),
    gross=AMOUNT,
    rate=RATE,
)
def remove_tax(gross: float, rate: float) -> float:
    """The price without tax, from a price that includes it.

    Args:
        gross: Price including tax.
        rate: Tax rate in percent.
    """
    return round(gross / (1 + rate / 100), 2)


@add(
    "number positive",
    en=("the tax contained in a tax-inclusive price of {gross} at a rate of {rate} percent",),
    zh=("含税价{gross}中按税率{rate}%所含的税额",),
    gross=AMOUNT,
    rate=RATE,
)
def tax_inside(gross: float, rate: float) -> float:
    """The tax that a tax-inclusive price contains.

    Args:
        gross: Price including tax.
        rate: Tax rate in percent.
    """
    return round(gross - gross / (1 + rate / 100), 2)


@add(
    "number positive",
    en=("the tax due on top of a net price of {net} at a rate of {rate} percent",),
    zh=("净价{net}按税率{rate}%应加的税额",),
    net=AMOUNT,
    rate=RATE,
)
def tax_on_top(net: float, rate: float) -> float:
    """The tax that is added to a price without tax.

    Args:
        net: Price without tax.
        rate: Tax rate in percent.
    """
    return round(net * rate / 100, 2)


@add(
    "number positive",
    en=("the price after a discount of {percent} percent on {amount}",),
    zh=("价格{amount}打{percent}%折扣后的价格",),
    amount=AMOUNT,
    percent=RATE,
)
def discounted_price(amount: float, percent: float) -> float:
    """The price after one discount.

    Args:
        amount: Price before the discount.
        percent: Discount in percent of that price.
    """
    return round(amount * (1 - percent / 100), 2)


@add(
    "number positive",
    en=("the simple interest on {principal} at {rate} percent a year over {years} years",),
    zh=("本金{principal}、年利率{rate}%、{years}年的单利利息",),
    principal=AMOUNT,
    rate=RATE,
    years=YEARS,
)
def simple_interest(principal: float, rate: float, years: int) -> float:
    """Interest without interest on interest.

    Args:
        principal: The amount lent.
        rate: Yearly rate in percent.
        years: Number of years.
    """
    return round(principal * rate / 100 * years, 2)


@add(
    "number positive",
    en=("the compound interest (interest only, added yearly) on {principal} at {rate} percent over {years} years",),
    zh=("本金{principal}、年利率{rate}%、按年复利{years}年的利息（不含本金）",),
    principal=AMOUNT,
    rate=RATE,
    years=YEARS,
)
def compound_interest(principal: float, rate: float, years: int) -> float:
    """Interest with interest on interest, added once a year; the principal is not in it.

    Args:
        principal: The amount lent.
        rate: Yearly rate in percent.
        years: Number of years, at most 200.
    """
    if years > 200:
        raise ValueError("at most 200 years")
    return round(principal * ((1 + rate / 100) ** years - 1), 2)


@add(
    "number positive",
    en=("the monthly instalment of a loan of {principal} at {rate} percent a year over {years} years",),
    zh=("贷款{principal}、年利率{rate}%、期限{years}年的等额月供",),
    principal=AMOUNT,
    rate=RATE,
    years=YEARS,
)
def loan_instalment(principal: float, rate: float, years: int) -> float:
    """The equal monthly instalment that repays a loan; the monthly rate is a twelfth of the yearly one.

    Args:
        principal: The amount borrowed.
        rate: Yearly rate in percent, above zero.
        years: Number of years, 1 to 100.
    """
    if rate <= 0 or not 1 <= years <= 100:
        raise ValueError("rate must be above zero and years 1 to 100")
    monthly = rate / 1200
    return round(principal * monthly / (1 - (1 + monthly) ** (-12 * years)), 2)


@add(
    "number positive",
    en=("the selling price for a cost of {cost} with a markup of {percent} percent on cost",),
    zh=("成本{cost}、按成本加价{percent}%的售价",),
    cost=AMOUNT,
    percent=RATE,
)
def price_by_markup(cost: float, percent: float) -> float:
    """The selling price where profit is a percentage of the cost.

    Args:
        cost: The cost.
        percent: Markup in percent of the cost.
    """
    return round(cost * (1 + percent / 100), 2)


@add(
    "number positive",
    en=("the selling price for a cost of {cost} with a margin of {percent} percent of the selling price",),
    zh=("成本{cost}、毛利占售价{percent}%的售价",),
    cost=AMOUNT,
    percent=RATE,
)
def price_by_margin(cost: float, percent: float) -> float:
    """The selling price where profit is a percentage of that price.

    Args:
        cost: The cost.
        percent: Margin in percent of the selling price, below 100.
    """
    if percent >= 100:
        raise ValueError("a margin is below 100 percent")
    return round(cost / (1 - percent / 100), 2)


@add(
    "number positive",
    en=("the yearly straight-line depreciation of {cost} down to {residual} over {years} years",),
    zh=("原值{cost}、残值{residual}、{years}年直线折旧的年折旧额",),
    cost=real(50000, 99999, 2),
    residual=real(1000, 9999, 2),
    years=YEARS,
)
def straight_line_depreciation(cost: float, residual: float, years: int) -> float:
    """What is written off each year when the value falls evenly.

    Args:
        cost: Value at the start.
        residual: Value at the end.
        years: Number of years, above zero.
    """
    return round((cost - residual) / years, 2)
