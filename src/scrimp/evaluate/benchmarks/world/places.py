"""Look-ups in the invented tables of cities, countries and currencies."""

from __future__ import annotations

from scrimp.evaluate.benchmarks.world.entry import Family, choice
from scrimp.evaluate.benchmarks.world.invented import find, world

FAMILY = Family("places", price="0.001", latency=0.4)
add = FAMILY.add

CITY = choice(tuple(world().cities), takes="city")
COUNTRY = choice(tuple(world().countries), takes="country")
CURRENCY = choice(tuple(world().rates), takes="currency")


@add(
    "number int positive",
    en=("the population of the city {city} within its limits", "the number of people inside the city limits of {city}"),
    zh=("城市{city}市区（市界内）的人口",),
    city=CITY,
)
def city_population(city: str) -> int:
    """Population of a city within its limits.

    Args:
        city: Name of the city.
    """
    return int(find(world().cities, city, "city")["population"])


@add(
    "number int positive",
    en=("the metropolitan population of the city {city}", "the number of people in the metropolitan area of {city}"),
    zh=("城市{city}都市圈的人口",),
    city=CITY,
)
def city_metro_population(city: str) -> int:
    """Population of the whole metropolitan area of a city.

    Args:
        city: Name of the city.
    """
    return int(find(world().cities, city, "city")["metro"])


@add(
    "number int positive",
    en=("the elevation of the city {city} in metres", "how many metres above the sea the city {city} lies"),
    zh=("城市{city}的海拔（米）",),
    city=CITY,
)
def city_elevation(city: str) -> int:
    """Metres above sea level of a city.

    Args:
        city: Name of the city.
    """
    return int(find(world().cities, city, "city")["elevation"])


@add("text date", en=("the date on which the city {city} was founded",), zh=("城市{city}的建城日期",), city=CITY)
def city_founding_date(city: str) -> str:
    """Date on which a city was founded, YYYY-MM-DD.

    Args:
        city: Name of the city.
    """
    return str(find(world().cities, city, "city")["founded"])


@add("text country", en=("the country in which the city {city} lies",), zh=("城市{city}所在的国家",), city=CITY)
def city_country(city: str) -> str:
    """Country in which a city lies.

    Args:
        city: Name of the city.
    """
    return str(find(world().cities, city, "city")["country"])


@add("text city", en=("the capital of the country {country}",), zh=("国家{country}的首都",), country=COUNTRY)
def country_capital(country: str) -> str:
    """Capital city of a country.

    Args:
        country: Name of the country.
    """
    return str(find(world().countries, country, "country")["capital"])


@add("text city", en=("the second city of the country {country}",), zh=("国家{country}的第二大城市",), country=COUNTRY)
def country_second_city(country: str) -> str:
    """The second city of a country, which is not its capital.

    Args:
        country: Name of the country.
    """
    return str(find(world().countries, country, "country")["largest"])


@add(
    "text currency",
    en=("the code of the currency of the country {country}",),
    zh=("国家{country}的货币代码",),
    country=COUNTRY,
)
def country_currency(country: str) -> str:
    """Three-letter code of the currency of a country.

    Args:
        country: Name of the country.
    """
    return str(find(world().countries, country, "country")["currency"])


@add(
    "number positive",
    en=("the middle rate of the currency {currency} against the mark",),
    zh=("货币{currency}兑马克的中间价",),
    currency=CURRENCY,
)
def currency_middle_rate(currency: str) -> float:
    """Middle rate of a currency: units of it per mark.

    Args:
        currency: Code of the currency.
    """
    return float(find(world().rates, currency, "currency")["mid"])


@add(
    "number positive",
    en=("the cash rate of the currency {currency} against the mark",),
    zh=("货币{currency}兑马克的现钞价",),
    currency=CURRENCY,
)
def currency_cash_rate(currency: str) -> float:
    """Cash (banknote) rate of a currency: units of it per mark.

    Args:
        currency: Code of the currency.
    """
    return float(find(world().rates, currency, "currency")["cash"])
