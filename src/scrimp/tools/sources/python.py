"""Tools from Python functions: the schema comes from the type hints and a Google-style docstring.

What a model sends is checked by a validator that is built once, at decoration. Arguments that do
not fit are an observation for the agent (the text names the argument), never an exception.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, overload

from scrimp.core.errors import InputError
from scrimp.core.tool import Tool, ToolResult

if TYPE_CHECKING:
    from docstring_parser import Docstring
    from pydantic import ValidationError

Function = Callable[..., Any]

REFUSALS = (ValueError, LookupError, ArithmeticError)
"""What a function raises to refuse its arguments; anything else it raises is a fault of its own and goes on."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN = 60


@overload
def tool(fn: Function) -> Tool: ...


@overload
def tool(
    fn: None = None,
    *,
    name: str | None = None,
    price: str | Decimal | None = "0",
    latency: float = 0.0,
    pure: bool = False,
    timeout: float = 60.0,
    inline: bool = False,
) -> Callable[[Function], Tool]: ...


def tool(
    fn: Function | None = None,
    *,
    name: str | None = None,
    price: str | Decimal | None = "0",
    latency: float = 0.0,
    pure: bool = False,
    timeout: float = 60.0,
    inline: bool = False,
) -> Tool | Callable[[Function], Tool]:
    """Make a Tool of a function, as `@tool` or `@tool(price="0.001")`.

    `Tool.call` takes the arguments as a mapping and returns a ToolResult (for an `async def`, an
    awaitable of one): its text is a string result as it is, anything else as compact JSON, and its
    value is the result itself.

    Args:
        fn: the function. Hints give the types, the docstring's Args section the descriptions;
            a parameter without a hint takes anything.
        name: what the model calls it; the function's own name by default.
        price: dollars per call as a decimal, None where unknown.
        latency: declared seconds per call.
        pure: calling it again changes nothing.
        timeout: seconds after which a call is given up.
        inline: it returns at once and needs no thread.

    Raises:
        InputError: the function or an option cannot make a tool.
    """

    def build(function: Function) -> Tool:
        called = name if name is not None else getattr(function, "__name__", "")
        if not _NAME.fullmatch(called):
            raise InputError(
                f"{called!r} cannot be the name of a tool", remedy="letters, digits, _ and - only, at most 64"
            )
        described = _docstring(function)
        adapter = _adapter(function, called, described)
        text = "\n\n".join(part for part in (described.short_description, described.long_description) if part)
        return Tool(
            name=called,
            description=text,
            parameters=_schema(adapter),
            call=_caller(function, adapter.validator.validate_python),
            price=_price(price, called),
            latency=latency,
            pure=pure,
            timeout=timeout,
            inline=inline,
        )

    return build if fn is None else build(fn)


def result_text(value: Any) -> str:
    """The text of a result: a string as it is, anything else as compact JSON in its own order."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)


def _as_result(value: Any) -> ToolResult:
    return value if isinstance(value, ToolResult) else ToolResult(result_text(value), value=value)


def _caller(
    function: Function, validate: Callable[[Any], dict[str, Any]]
) -> Callable[[Mapping[str, Any]], ToolResult | Awaitable[ToolResult]]:
    from pydantic import ValidationError

    def run(arguments: Mapping[str, Any]) -> ToolResult:
        try:
            checked = validate(arguments)
        except ValidationError as error:
            return _misfit(error)
        try:
            return _as_result(function(**checked))
        except REFUSALS as error:
            return _refusal(error)

    async def run_async(arguments: Mapping[str, Any]) -> ToolResult:
        try:
            checked = validate(arguments)
        except ValidationError as error:
            return _misfit(error)
        try:
            return _as_result(await function(**checked))
        except REFUSALS as error:
            return _refusal(error)

    return run_async if inspect.iscoroutinefunction(function) else run


def _misfit(error: ValidationError) -> ToolResult:
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in item["loc"]) or "arguments"
        if item["type"] == "missing":
            lines.append(f"argument {where!r} is missing")
        elif item["type"] == "extra_forbidden":
            lines.append(f"argument {where!r} is not known")
        else:
            got = repr(item["input"])
            got = got if len(got) <= _SHOWN else got[: _SHOWN - 3] + "..."
            lines.append(f"argument {where!r}: {item['msg']}, got {got}")
    return ToolResult("error: " + "; ".join(lines), "error")


def _refusal(error: Exception) -> ToolResult:
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return ToolResult(f"error: {said}" if str(said) else f"error: {type(error).__name__}", "error")


def _price(price: str | Decimal | None, name: str) -> Decimal | None:
    if price is None:
        return None
    try:
        amount = Decimal(price)
    except InvalidOperation as error:
        raise InputError(f"tool {name}: {price!r} is no price", remedy='dollars as a string, like "0.001"') from error
    if not amount.is_finite() or amount < 0:
        raise InputError(f"tool {name}: a price is zero or more, not {price}", remedy="None where it is unknown")
    return amount


def _docstring(function: Function) -> Docstring:
    from docstring_parser import DocstringStyle, parse

    return parse(inspect.getdoc(function) or "", DocstringStyle.GOOGLE)


def _adapter(function: Function, name: str, described: Docstring) -> Any:
    """A validator for the arguments: a TypedDict, since any parameter name may be one of its keys."""
    from pydantic import ConfigDict, Field, TypeAdapter, with_config
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
    from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

    try:
        hints = typing.get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
    except (NameError, TypeError, ValueError) as error:
        raise InputError(f"tool {name}: its signature cannot be read ({error})") from error
    words = {item.arg_name: item.description or "" for item in described.params}
    fields: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InputError(
                f"tool {name}: parameter {parameter.name!r} cannot be filled by name",
                remedy="no *args, **kwargs or positional-only parameters",
            )
        hint = hints.get(parameter.name, Any)
        facts: dict[str, Any] = {}
        if words.get(parameter.name):
            facts["description"] = " ".join(words[parameter.name].split())
        if parameter.default is not parameter.empty:
            facts["json_schema_extra"] = {"default": _plain(parameter.default)}
        described_hint = Annotated[hint, Field(**facts)] if facts else hint
        fields[parameter.name] = described_hint if parameter.default is parameter.empty else NotRequired[described_hint]
    shape = TypedDict(name, fields)  # type: ignore[misc]
    try:
        return TypeAdapter(with_config(ConfigDict(extra="forbid"))(shape))
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise InputError(f"tool {name}: a type hint has no JSON schema ({str(error).splitlines()[0]})") from error


@lru_cache(maxsize=1)
def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Fields without made-up titles: the model pays for every token of a schema."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    return Untitled


def _schema(adapter: Any) -> dict[str, Any]:
    schema: dict[str, Any] = adapter.json_schema(schema_generator=_generator())
    schema.pop("title", None)
    schema.setdefault("properties", {})
    return schema
