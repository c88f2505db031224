"""Areas, lengths and volumes; all results are rounded to 4 decimals."""

from __future__ import annotations

import math

from scrimp.evaluate.benchmarks.world.entry import Family, real, whole

FAMILY = Family("geometry", price="0.00002", latency=0.03)
add = FAMILY.add

LENGTH = real(11, 987, 2, takes="positive")
SIDE = real(700, 990, 1)


@add(
    "number positive",
    en=("the area of a rectangle {length} long and {width} wide",),
    zh=("长{length}、宽{width}的矩形的面积",),
    length=LENGTH,
    width=LENGTH,
)
def rectangle_area(length: float, width: float) -> float:
    """The area of a rectangle.

    Args:
        length: One side.
        width: The other side.
    """
    return round(length * width, 4)


@add(
    "number positive",
    en=("the perimeter of a rectangle {length} long and {width} wide",),
    zh=("长{length}、宽{width}的矩形的周长",),
    length=LENGTH,
    width=LENGTH,
)
def rectangle_perimeter(length: float, width: float) -> float:
    """The perimeter of a rectangle.

    Args:
        length: One side.
        width: The other side.
    """
    return round(2 * (length + width), 4)


@add(
    "number positive",
    en=("the area of a circle of radius {radius}", "the surface inside a circle whose radius is {radius}"),
    zh=("半径为{radius}的圆的面积",),
    radius=LENGTH,
)
def circle_area(radius: float) -> float:
    """The area of a circle from its radius.

    Args:
        radius: The radius.
    """
    return round(math.pi * radius**2, 4)


@add(
    "number positive",
    en=("the area of a circle of diameter {diameter}",),
    zh=("直径为{diameter}的圆的面积",),
    diameter=LENGTH,
)
def circle_area_from_diameter(diameter: float) -> float:
    """The area of a circle from its diameter.

    Args:
        diameter: The diameter.
    """
    return round(math.pi * diameter**2 / 4, 4)


@add(
    "number positive",
    en=("the circumference of a circle of radius {radius}",),
    zh=("半径为{radius}的圆的周长",),
    radius=LENGTH,
)
def circle_circumference(radius: float) -> float:
    """The circumference of a circle from its radius.

    Args:
        radius: The radius.
    """
    return round(2 * math.pi * radius, 4)


@add(
    "number positive",
    en=("the area of a triangle with the sides {a}, {b} and {c}",),
    zh=("三边长为{a}、{b}和{c}的三角形的面积",),
    a=SIDE,
    b=SIDE,
    c=SIDE,
)
def triangle_area_sides(a: float, b: float, c: float) -> float:
    """The area of a triangle from its three sides (Heron).

    Args:
        a: First side.
        b: Second side.
        c: Third side.
    """
    half = (a + b + c) / 2
    square = half * (half - a) * (half - b) * (half - c)
    if square <= 0:
        raise ValueError("no triangle has these sides")
    return round(math.sqrt(square), 4)


@add(
    "number positive",
    en=("the area of a triangle with base {base} and height {height}",),
    zh=("底为{base}、高为{height}的三角形的面积",),
    base=LENGTH,
    height=LENGTH,
)
def triangle_area_base_height(base: float, height: float) -> float:
    """The area of a triangle from its base and height.

    Args:
        base: The base.
        height: The height over that base.
    """
    return round(base * height / 2, 4)


@add(
    "number positive",
    en=("the volume of a cylinder of radius {radius} and height {height}",),
    zh=("半径为{radius}、高为{height}的圆柱的体积",),
    radius=LENGTH,
    height=LENGTH,
)
def cylinder_volume(radius: float, height: float) -> float:
    """The volume of a cylinder.

    Args:
        radius: Radius of the base.
        height: The height.
    """
    return round(math.pi * radius**2 * height, 4)


@add(
    "number positive",
    en=("the volume of a cone of radius {radius} and height {height}",),
    zh=("底面半径为{radius}、高为{height}的圆锥的体积",),
    radius=LENGTH,
    height=LENGTH,
)
def cone_volume(radius: float, height: float) -> float:
    """The volume of a cone.

    Args:
        radius: Radius of the base.
        height: The height.
    """
    return round(math.pi * radius**2 * height / 3, 4)


@add(
    "number positive",
    en=("the surface area of a sphere of radius {radius}",),
    zh=("半径为{radius}的球的表面积",),
    radius=LENGTH,
)
def sphere_surface(radius: float) -> float:
    """The surface area of a sphere.

    Args:
        radius: The radius.
    """
    return round(4 * math.pi * radius**2, 4)


POINT = whole(-9999, 9999)


@add(
    "number positive",
    en=("the straight-line distance between the points ({x1}, {y1}) and ({x2}, {y2})",),
    zh=("点({x1}, {y1})与点({x2}, {y2})之间的直线距离",),
    x1=POINT,
    y1=POINT,
    x2=POINT,
    y2=POINT,
)
def straight_distance(x1: float, y1: float, x2: float, y2: float) -> float:
    """The straight-line (Euclidean) distance between two points of the plane.

    Args:
        x1: First point, x.
        y1: First point, y.
        x2: Second point, x.
        y2: Second point, y.
    """
    return round(math.hypot(x2 - x1, y2 - y1), 4)


@add(
    "number positive",
    en=("the city-block (Manhattan) distance between the points ({x1}, {y1}) and ({x2}, {y2})",),
    zh=("点({x1}, {y1})与点({x2}, {y2})之间的曼哈顿距离",),
    x1=POINT,
    y1=POINT,
    x2=POINT,
    y2=POINT,
)
def city_block_distance(x1: float, y1: float, x2: float, y2: float) -> float:
    """The city-block (Manhattan) distance between two points of the plane.

    Args:
        x1: First point, x.
        y1: First point, y.
        x2: Second point, x.
        y2: Second point, y.
    """
    return round(abs(x2 - x1) + abs(y2 - y1), 4)
