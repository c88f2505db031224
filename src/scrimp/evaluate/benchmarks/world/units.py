"""Unit conversions; results are rounded to 4 decimals."""

from __future__ import annotations

from scrimp.evaluate.benchmarks.world.entry import Family, real

FAMILY = Family("units", price="0.00001", latency=0.02)
add = FAMILY.add

AMOUNT = real(113, 9999, 2, takes="positive")
DEGREES = real(113, 899, 1, takes="number")

KILOMETRES_PER_STATUTE_MILE = 1.609344
KILOMETRES_PER_NAUTICAL_MILE = 1.852
LITRES_PER_US_GALLON = 3.785411784
LITRES_PER_IMPERIAL_GALLON = 4.54609
KILOGRAMS_PER_POUND = 0.45359237
GRAMS_PER_TROY_OUNCE = 31.1034768
HECTARES_PER_ACRE = 0.40468564224


@add(
    "number positive",
    en=("{miles} statute miles in kilometres", "{miles} statute miles converted to kilometres"),
    zh=("{miles}英里（法定）换算成公里的数值",),
    miles=AMOUNT,
)
def statute_miles_to_kilometres(miles: float) -> float:
    """Convert statute (land) miles to kilometres.

    Args:
        miles: The amount in statute miles.
    """
    return round(miles * KILOMETRES_PER_STATUTE_MILE, 4)


@add(
    "number positive",
    en=("{miles} nautical miles in kilometres", "{miles} nautical miles converted to kilometres"),
    zh=("{miles}海里换算成公里的数值",),
    miles=AMOUNT,
)
def nautical_miles_to_kilometres(miles: float) -> float:
    """Convert nautical (sea) miles to kilometres.

    Args:
        miles: The amount in nautical miles.
    """
    return round(miles * KILOMETRES_PER_NAUTICAL_MILE, 4)


@add(
    "number positive",
    en=("{kilometres} kilometres in statute miles", "{kilometres} kilometres converted to statute miles"),
    zh=("{kilometres}公里换算成英里（法定）的数值",),
    kilometres=AMOUNT,
)
def kilometres_to_statute_miles(kilometres: float) -> float:
    """Convert kilometres to statute (land) miles.

    Args:
        kilometres: The amount in kilometres.
    """
    return round(kilometres / KILOMETRES_PER_STATUTE_MILE, 4)


@add(
    "number positive",
    en=("{kilometres} kilometres in nautical miles", "{kilometres} kilometres converted to nautical miles"),
    zh=("{kilometres}公里换算成海里的数值",),
    kilometres=AMOUNT,
)
def kilometres_to_nautical_miles(kilometres: float) -> float:
    """Convert kilometres to nautical (sea) miles.

    Args:
        kilometres: The amount in kilometres.
    """
    return round(kilometres / KILOMETRES_PER_NAUTICAL_MILE, 4)


@add(
    "number positive",
    en=("{gallons} US gallons in litres", "{gallons} US gallons converted to litres"),
    zh=("{gallons}美制加仑换算成升的数值",),
    gallons=AMOUNT,
)
def us_gallons_to_litres(gallons: float) -> float:
    """Convert US liquid gallons to litres.

    Args:
        gallons: The amount in US gallons.
    """
    return round(gallons * LITRES_PER_US_GALLON, 4)


@add(
    "number positive",
    en=("{gallons} imperial gallons in litres", "{gallons} imperial gallons converted to litres"),
    zh=("{gallons}英制加仑换算成升的数值",),
    gallons=AMOUNT,
)
def imperial_gallons_to_litres(gallons: float) -> float:
    """Convert imperial (British) gallons to litres.

    Args:
        gallons: The amount in imperial gallons.
    """
    return round(gallons * LITRES_PER_IMPERIAL_GALLON, 4)


@add(
    "number positive",
    en=("{tons} short tons in kilograms", "{tons} short tons converted to kilograms"),
    zh=("{tons}短吨（美吨）换算成千克的数值",),
    tons=AMOUNT,
)
def short_tons_to_kilograms(tons: float) -> float:
    """Convert short (US) tons to kilograms.

    Args:
        tons: The amount in short tons.
    """
    return round(tons * 2000 * KILOGRAMS_PER_POUND, 4)


@add(
    "number positive",
    en=("{tons} long tons in kilograms", "{tons} long tons converted to kilograms"),
    zh=("{tons}长吨（英吨）换算成千克的数值",),
    tons=AMOUNT,
)
def long_tons_to_kilograms(tons: float) -> float:
    """Convert long (British) tons to kilograms.

    Args:
        tons: The amount in long tons.
    """
    return round(tons * 2240 * KILOGRAMS_PER_POUND, 4)


@add(
    "number positive",
    en=("{pounds} pounds in kilograms", "{pounds} pounds converted to kilograms"),
    zh=("{pounds}磅换算成千克的数值",),
    pounds=AMOUNT,
)
def pounds_to_kilograms(pounds: float) -> float:
    """Convert avoirdupois pounds to kilograms.

    Args:
        pounds: The amount in pounds.
    """
    return round(pounds * KILOGRAMS_PER_POUND, 4)


@add(
    "number positive",
    en=("{kilograms} kilograms in pounds", "{kilograms} kilograms converted to pounds"),
    zh=("{kilograms}千克换算成磅的数值",),
    kilograms=AMOUNT,
)
def kilograms_to_pounds(kilograms: float) -> float:
    """Convert kilograms to avoirdupois pounds.

    Args:
        kilograms: The amount in kilograms.
    """
    return round(kilograms / KILOGRAMS_PER_POUND, 4)


@add(
    "number positive",
    en=("{ounces} ordinary (avoirdupois) ounces in grams", "{ounces} ordinary (avoirdupois) ounces converted to grams"),
    zh=("{ounces}常衡盎司换算成克的数值",),
    ounces=AMOUNT,
)
def ounces_to_grams(ounces: float) -> float:
    """Convert ordinary (avoirdupois) ounces to grams.

    Args:
        ounces: The amount in ordinary (avoirdupois) ounces.
    """
    return round(ounces * KILOGRAMS_PER_POUND / 16 * 1000, 4)


@add(
    "number positive",
    en=("{ounces} troy ounces in grams", "{ounces} troy ounces converted to grams"),
    zh=("{ounces}金衡盎司换算成克的数值",),
    ounces=AMOUNT,
)
def troy_ounces_to_grams(ounces: float) -> float:
    """Convert troy ounces (precious metals) to grams.

    Args:
        ounces: The amount in troy ounces.
    """
    return round(ounces * GRAMS_PER_TROY_OUNCE, 4)


@add(
    "number positive",
    en=("{speed} knots in kilometres per hour", "{speed} knots converted to kilometres per hour"),
    zh=("{speed}节换算成公里/小时的数值",),
    speed=AMOUNT,
)
def knots_to_kilometres_per_hour(speed: float) -> float:
    """Convert a speed in knots to kilometres per hour.

    Args:
        speed: The amount in knots.
    """
    return round(speed * KILOMETRES_PER_NAUTICAL_MILE, 4)


@add(
    "number positive",
    en=(
        "{speed} (statute) miles per hour in kilometres per hour",
        "{speed} (statute) miles per hour converted to kilometres per hour",
    ),
    zh=("{speed}英里/小时换算成公里/小时的数值",),
    speed=AMOUNT,
)
def miles_per_hour_to_kilometres_per_hour(speed: float) -> float:
    """Convert a speed in statute miles per hour to kilometres per hour.

    Args:
        speed: The amount in (statute) miles per hour.
    """
    return round(speed * KILOMETRES_PER_STATUTE_MILE, 4)


@add(
    "number positive",
    en=("{acres} acres in hectares", "{acres} acres converted to hectares"),
    zh=("{acres}英亩换算成公顷的数值",),
    acres=AMOUNT,
)
def acres_to_hectares(acres: float) -> float:
    """Convert acres to hectares.

    Args:
        acres: The amount in acres.
    """
    return round(acres * HECTARES_PER_ACRE, 4)


@add(
    "number",
    en=("{degrees} degrees Fahrenheit in degrees Celsius", "{degrees} degrees Fahrenheit converted to degrees Celsius"),
    zh=("{degrees}华氏度换算成摄氏度的数值",),
    degrees=DEGREES,
)
def fahrenheit_to_celsius(degrees: float) -> float:
    """Convert degrees Fahrenheit to degrees Celsius.

    Args:
        degrees: The temperature in degrees Fahrenheit.
    """
    return round((degrees - 32) / 1.8, 4)


@add(
    "number",
    en=("{degrees} degrees Celsius in degrees Fahrenheit", "{degrees} degrees Celsius converted to degrees Fahrenheit"),
    zh=("{degrees}摄氏度换算成华氏度的数值",),
    degrees=DEGREES,
)
def celsius_to_fahrenheit(degrees: float) -> float:
    """Convert degrees Celsius to degrees Fahrenheit.

    Args:
        degrees: The temperature in degrees Celsius.
    """
    return round(degrees * 1.8 + 32, 4)


@add(
    "number",
    en=("{degrees} degrees Fahrenheit in kelvin", "{degrees} degrees Fahrenheit converted to kelvin"),
    zh=("{degrees}华氏度换算成开尔文的数值",),
    degrees=DEGREES,
)
def fahrenheit_to_kelvin(degrees: float) -> float:
    """Convert degrees Fahrenheit to kelvin.

    Args:
        degrees: The temperature in degrees Fahrenheit.
    """
    return round((degrees - 32) / 1.8 + 273.15, 4)
