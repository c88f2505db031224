"""How much of a request a provider's cache would have served, given the requests before it.

A request is laid out as its provider lays it out (tools, system, messages), piece by piece, each with its hash and its
tokens. What it has in common with an earlier one from the beginning on is what a cache can serve; the provider's rules
(`cache_rules.py`) say how much of that it does serve, and what is written. The outcome is an upper limit where hits
are not guaranteed: no router, no eviction and no other user of the cache is modelled. Answers are in the cache once
they were sent back as part of a prompt. `prefix_cache.py` follows a whole run, faster, by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scrimp.core.messages import Image, Message, Request, Text, canonical
from scrimp.core.usage import Usage
from scrimp.models.cache_rules import CacheRules
from scrimp.models.images import image_tokens
from scrimp.models.tokens import PER_MESSAGE, estimate, estimate_calls

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a prompt: where it stands (`tools[0]`, `system[0]`, `messages[3].parts[0]`), what it is, its tokens.

    `marked` says that a cache mark stands at its end.
    """

    where: str
    hash: str
    text: str
    tokens: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class CachedPrefix:
    """What a cache does for a request.

    Attributes:
        tokens_cached: prompt tokens it serves.
        tokens_written: prompt tokens written into it, at the price of writing.
        tokens_fresh: all others.
        broke_at: the piece where the request and the best earlier one part; empty where one is the other's beginning.
        why: what happened there, in words; or why nothing is served although the beginning is the same.
    """

    tokens_cached: int
    tokens_written: int
    tokens_fresh: int
    broke_at: str = ""
    why: str = ""

    def usage(self, output: int = 0) -> Usage:
        """As a ledger has it."""
        return Usage(self.tokens_fresh, self.tokens_cached, self.tokens_written, output)


def lay_out(
    request: Request, rules: CacheRules, *, count: Count = estimate, model: str = "", prompt_tokens: int | None = None
) -> tuple[Piece, ...]:
    """The pieces of a request in its provider's order.

    Args:
        count: tokens of a text; an estimate, or a tokenizer.
        model: by which pictures are counted.
        prompt_tokens: what the prompt really had, where known; the pieces are scaled to sum to it.
    """
    by_part = {"tools": _tools(request, count), "system": [], "messages": []}
    leading = next((at for at, message in enumerate(request.messages) if message.role != "system"), None)
    split = len(request.messages) if leading is None else leading
    for at, message in enumerate(request.messages):
        part = "system" if at < split else "messages"
        by_part[part] += _message(message, f"{part}[{at if part == 'system' else at - split}]", count, model)
    for pieces in (by_part["tools"], by_part["system"]):
        if pieces:
            pieces[-1] = replace(pieces[-1], marked=True)
    _mark_conversation(by_part["messages"], request.messages[split:])
    laid = [piece for part in rules.order for piece in by_part[part]]
    return _scaled(laid, prompt_tokens)


def compare(
    previous: Request | Sequence[Piece] | None,
    following: Request | Sequence[Piece],
    rules: CacheRules,
    *,
    prompt_tokens: int | None = None,
    model: str = "",
) -> CachedPrefix:
    """What the cache serves of `following`, where `previous` came before it and is not forgotten yet.

    Args:
        previous: the request before; None for the first of all.
        prompt_tokens: what the prompt of `following` really had, where known.
    """
    before = () if previous is None else _pieces(previous, rules, model)
    after = _pieces(following, rules, model, prompt_tokens)
    total = sum(piece.tokens for piece in after)
    same, partly = _common(before, after)
    served = _served(before, after, same, partly, rules)
    write = _written(after, total, rules) - served
    written = max(0, write) if rules.mode == "marked" or rules.write != 1 else 0
    where, why = _break(before, after, same)
    if not served and same and not where:
        why = f"fewer than {rules.minimum} tokens are the same" if total else ""
    return CachedPrefix(served, written, total - served - written, where, why)


# -- laying out --------------------------------------------------------------------------------------


def _pieces(
    given: Request | Sequence[Piece], rules: CacheRules, model: str, prompt_tokens: int | None = None
) -> Sequence[Piece]:
    return lay_out(given, rules, model=model, prompt_tokens=prompt_tokens) if isinstance(given, Request) else given


def _tools(request: Request, count: Count) -> list[Piece]:
    """Tools, and the output schema where there is one: providers put it in front."""
    pieces = []
    for at, tool in enumerate(request.tools):
        text = canonical(tool.to_json())
        pieces.append(Piece(f"tools[{at}]", tool.hash, text, count(text)))
    if request.schema is not None:
        text = canonical(request.schema)
        pieces.append(Piece("schema", text, text, count(text)))
    return pieces


def _message(message: Message, where: str, count: Count, model: str) -> list[Piece]:
    """A message by its parts, so that two that begin alike share that beginning; its wrapping is with the first."""
    pieces: list[Piece] = []
    head = f"{message.role}:{message.tool_call_id}"
    for at, part in enumerate(message.parts):
        name = f"{where}.parts[{at}]"
        if isinstance(part, Text):
            pieces.append(Piece(name, f"{head}|{part.text}", f"{head}|{part.text}", count(part.text)))
        else:
            tokens = image_tokens(part, model) if isinstance(part, Image) else count(part.media_type)
            pieces.append(Piece(name, f"{head}|{canonical(part.to_json())}", "", tokens))
    for at, call in enumerate(message.tool_calls):
        text = canonical(call.to_json())
        pieces.append(Piece(f"{where}.calls[{at}]", f"{head}|{text}", f"{head}|{text}", estimate_calls((call,))))
    if not pieces:
        pieces.append(Piece(where, head, "", 0))
    pieces[0] = replace(pieces[0], tokens=pieces[0].tokens + PER_MESSAGE)
    return pieces


def _mark_conversation(pieces: list[Piece], messages: Sequence[Message]) -> None:
    """Marks where the Anthropic adapter sets them: at the end, and where the call before ended."""
    said = max((at for at, message in enumerate(messages) if message.role == "assistant"), default=0)
    ends = [f"messages[{at}]" for at in {said - 1, len(messages) - 1} if at >= 0]
    for end in ends:
        at = max(index for index, piece in enumerate(pieces) if piece.where.split(".")[0] == end)
        pieces[at] = replace(pieces[at], marked=True)


def _scaled(pieces: list[Piece], prompt_tokens: int | None) -> tuple[Piece, ...]:
    """Pieces whose tokens sum to what the prompt really had; each boundary is rounded once."""
    total = sum(piece.tokens for piece in pieces)
    if prompt_tokens is None or not total:
        return tuple(pieces)
    out, done, before = [], 0, 0
    for piece in pieces:
        done += piece.tokens
        end = round(done * prompt_tokens / total)
        out.append(replace(piece, tokens=end - before))
        before = end
    return tuple(out)


# -- comparing ---------------------------------------------------------------------------------------


def _common(before: Sequence[Piece], after: Sequence[Piece]) -> tuple[int, int]:
    """How many whole pieces are the same from the beginning on, and tokens of the next one that are."""
    same = 0
    for one, other in zip(before, after, strict=False):
        if one.hash != other.hash:
            shared = shared_beginning(one.text, other.text)
            partly = other.tokens * shared // len(other.text) if other.text else 0
            return same, min(partly, max(0, other.tokens - 1))
        same += 1
    return same, 0


def shared_beginning(one: str, other: str) -> int:
    """Characters that two texts begin with alike, found by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _served(before: Sequence[Piece], after: Sequence[Piece], same: int, partly: int, rules: CacheRules) -> int:
    total = sum(piece.tokens for piece in after)
    if rules.mode == "automatic":
        common = min(sum(piece.tokens for piece in after[:same]) + partly, total - 1)  # the last token is computed
        served = common // rules.block * rules.block
        return served if served >= rules.minimum else 0
    written = [at for at, piece in enumerate(before[:same]) if piece.marked]
    looked = {at - back for at, piece in enumerate(after) if piece.marked for back in range(rules.look_back)}
    ends = [sum(piece.tokens for piece in after[: at + 1]) for at in written if at in looked]
    return max((end for end in ends if end >= rules.minimum), default=0)


def _written(after: Sequence[Piece], total: int, rules: CacheRules) -> int:
    """Tokens that are in the cache once this request was served."""
    if rules.mode == "automatic":
        end = total // rules.block * rules.block
    else:
        last = max((at for at, piece in enumerate(after) if piece.marked), default=-1)
        end = sum(piece.tokens for piece in after[: last + 1])
    return end if end >= rules.minimum else 0


def _break(before: Sequence[Piece], after: Sequence[Piece], same: int) -> tuple[str, str]:
    """Where two requests part, and what happened there."""
    if not before:
        return "", "nothing was cached yet"
    if same == len(before) or same == len(after):
        return "", ""
    one, other = before[same], after[same]
    if one.where.split("[")[0] != other.where.split("[")[0]:
        return other.where, f"{other.where} stands where {one.where} stood"
    shared = shared_beginning(one.text, other.text)
    return other.where, f"{other.where} differs from its character {shared} on"
