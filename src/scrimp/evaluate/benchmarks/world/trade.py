"""Look-ups in the invented tables of products, companies and flights."""

from __future__ import annotations

from scrimp.evaluate.benchmarks.world.entry import Family, choice
from scrimp.evaluate.benchmarks.world.invented import find, world

FAMILY = Family("trade", price="0.001", latency=0.4)
add = FAMILY.add

PRODUCT = choice(tuple(world().products), takes="product")
COMPANY = choice(tuple(world().companies), takes="company")
FLIGHT = choice(tuple(world().flights), takes="flight")


@add("number positive", en=("the net price of the product {product}",), zh=("产品{product}的净价",), product=PRODUCT)
def product_net_price(product: str) -> float:
    """Net price of a product, as dealers pay it.

    Args:
        product: Name of the product.
    """
    return float(find(world().products, product, "product")["net"])


@add("number positive", en=("the list price of the product {product}",), zh=("产品{product}的目录价",), product=PRODUCT)
def product_list_price(product: str) -> float:
    """List price of a product, as the catalogue prints it.

    Args:
        product: Name of the product.
    """
    return float(find(world().products, product, "product")["list"])


@add(
    "number int positive",
    en=("the number of pieces of the product {product} in stock",),
    zh=("产品{product}的库存件数",),
    product=PRODUCT,
)
def product_stock(product: str) -> int:
    """Pieces of a product in stock.

    Args:
        product: Name of the product.
    """
    return int(find(world().products, product, "product")["stock"])


@add(
    "number positive",
    en=("the weight of the product {product} in kilograms",),
    zh=("产品{product}的重量（千克）",),
    product=PRODUCT,
)
def product_weight(product: str) -> float:
    """Weight of one piece of a product in kilograms.

    Args:
        product: Name of the product.
    """
    return float(find(world().products, product, "product")["weight"])


@add(
    "text company", en=("the company that makes the product {product}",), zh=("产品{product}的制造商",), product=PRODUCT
)
def product_maker(product: str) -> str:
    """Company that makes a product.

    Args:
        product: Name of the product.
    """
    return str(find(world().products, product, "product")["maker"])


@add(
    "text company",
    en=("the company that supplies us with the product {product}",),
    zh=("产品{product}的供货商",),
    product=PRODUCT,
)
def product_supplier(product: str) -> str:
    """Company that supplies a product to us; it need not be the maker.

    Args:
        product: Name of the product.
    """
    return str(find(world().products, product, "product")["supplier"])


@add(
    "text city",
    en=("the city in which the company {company} has its headquarters",),
    zh=("公司{company}总部所在的城市",),
    company=COMPANY,
)
def company_headquarters(company: str) -> str:
    """City of the present headquarters of a company.

    Args:
        company: Name of the company.
    """
    return str(find(world().companies, company, "company")["head"])


@add(
    "text city",
    en=("the city in which the company {company} was founded",),
    zh=("公司{company}成立时所在的城市",),
    company=COMPANY,
)
def company_birthplace(company: str) -> str:
    """City in which a company was founded.

    Args:
        company: Name of the company.
    """
    return str(find(world().companies, company, "company")["birth"])


@add(
    "number int positive",
    en=("the number of employees of the company {company}",),
    zh=("公司{company}的员工人数",),
    company=COMPANY,
)
def company_employees(company: str) -> int:
    """Number of employees of a company.

    Args:
        company: Name of the company.
    """
    return int(find(world().companies, company, "company")["employees"])


@add("text city", en=("the city from which flight {flight} departs",), zh=("航班{flight}的出发城市",), flight=FLIGHT)
def flight_origin(flight: str) -> str:
    """City from which a flight departs.

    Args:
        flight: Flight number.
    """
    return str(find(world().flights, flight, "flight")["origin"])


@add("text city", en=("the city in which flight {flight} lands",), zh=("航班{flight}的到达城市",), flight=FLIGHT)
def flight_destination(flight: str) -> str:
    """City in which a flight lands.

    Args:
        flight: Flight number.
    """
    return str(find(world().flights, flight, "flight")["target"])


@add(
    "number int positive",
    en=("the time in the air of flight {flight} in minutes",),
    zh=("航班{flight}的空中飞行时间（分钟）",),
    flight=FLIGHT,
)
def flight_air_minutes(flight: str) -> int:
    """Minutes a flight is in the air.

    Args:
        flight: Flight number.
    """
    return int(find(world().flights, flight, "flight")["air"])


@add(
    "number int positive",
    en=("the gate-to-gate time of flight {flight} in minutes",),
    zh=("航班{flight}从登机口到登机口的时间（分钟）",),
    flight=FLIGHT,
)
def flight_block_minutes(flight: str) -> int:
    """Minutes from gate to gate, taxiing included.

    Args:
        flight: Flight number.
    """
    return int(find(world().flights, flight, "flight")["block"])


@add("number positive", en=("the fare of flight {flight}",), zh=("航班{flight}的票价",), flight=FLIGHT)
def flight_fare(flight: str) -> float:
    """Fare of a flight.

    Args:
        flight: Flight number.
    """
    return float(find(world().flights, flight, "flight")["fare"])


@add("text date", en=("the date on which flight {flight} departs",), zh=("航班{flight}的出发日期",), flight=FLIGHT)
def flight_date(flight: str) -> str:
    """Date on which a flight departs, YYYY-MM-DD.

    Args:
        flight: Flight number.
    """
    return str(find(world().flights, flight, "flight")["day"])
