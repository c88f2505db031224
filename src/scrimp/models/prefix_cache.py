"""A provider's prompt cache over a run: requests with the times they were sent, each compared with all that still live.

It answers as `prefix.compare` does for two requests, but looks at each message once: a run's requests share their
messages, so a request that goes on with the one before costs what is new in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from scrimp.core.messages import Image, Message, Request, Text, ToolSpec, canonical
from scrimp.models.cache_rules import CacheRules
from scrimp.models.images import image_tokens
from scrimp.models.prefix import CachedPrefix, shared_beginning
from scrimp.models.tokens import PER_MESSAGE, estimate, estimate_calls

REMEMBERED = 64
"""Requests that are compared with; older ones are forgotten."""


class SizesOf(Protocol):
    """Tokens of messages and tools, counted elsewhere."""

    def message(self, message: Message) -> int: ...

    def tools(self, tools: Sequence[ToolSpec]) -> int: ...


class _Chunk:
    """A message, or a tool, laid out: equal ones are one object within a cache, so that they compare by identity.

    `texts` are its pieces, of which two chunks may share the first ones, `sizes` their tokens; `kinds` name them
    (`parts[0]`, `calls[1]`).
    """

    __slots__ = ("kinds", "sizes", "texts", "tokens")

    def __init__(self, texts: tuple[str, ...], kinds: tuple[str, ...], sizes: tuple[int, ...]) -> None:
        self.texts, self.kinds, self.sizes, self.tokens = texts, kinds, sizes, sum(sizes)


@dataclass(slots=True)
class _Laid:
    """A request laid out: chunks in the provider's order, where each ends in tokens and in pieces, and its marks.

    `parts` says how many chunks belong to each part of the prompt, `marks` the pieces at whose end a mark stands.
    `scale` is what its tokens really were, where that is known, for each counted one; `hidden` tokens stand before all.
    """

    chunks: tuple[_Chunk, ...]
    ends: list[int]
    pieces: list[int]
    parts: tuple[tuple[str, int], ...]
    marks: tuple[int, ...]
    at: float = 0.0
    scale: float = 1.0
    hidden: int = 0

    @property
    def total(self) -> int:
        return self.ends[-1] if self.ends else 0

    def until(self, chunks: int) -> tuple[int, int]:
        """Tokens and pieces of the first so many chunks."""
        return (self.ends[chunks - 1], self.pieces[chunks - 1]) if chunks else (0, 0)

    def name(self, chunk: int, piece: int) -> str:
        """`messages[3].parts[0]`: where a piece stands."""
        for part, count in self.parts:
            if chunk < count:
                kind = self.chunks_kind(part, chunk, piece)
                return kind if part == "schema" else f"{part}[{chunk}]{kind}"
            chunk -= count
        return ""

    def chunks_kind(self, part: str, chunk: int, piece: int) -> str:
        """The last part of a piece's name."""
        if part in ("tools", "schema"):
            return "" if part == "tools" else "schema"
        before = 0
        for name, count in self.parts:
            if name == part:
                break
            before += count
        return self.chunks[before + chunk].kinds[piece]


class PrefixCache:
    """The cache of one model over one run.

    Args:
        rules: of the provider.
        model: by which pictures are counted.
        sizes: tokens of messages and tools where they were counted already; estimated where None.
        beside: another cache with the same model and sizes, whose laid out messages and tools this one uses too;
            what it has cached is its own.
    """

    def __init__(
        self, rules: CacheRules, model: str = "", sizes: SizesOf | None = None, beside: PrefixCache | None = None
    ) -> None:
        self.rules, self._model, self._sizes = rules, model, sizes
        self._kept: list[_Laid] = []
        self._last: tuple[Request, _Laid] | None = None
        self._chunks: dict[tuple[object, ...], _Chunk] = {} if beside is None else beside._chunks
        self._of: dict[int, tuple[Message, _Chunk]] = {} if beside is None else beside._of
        self._tools: dict[int, tuple[Sequence[ToolSpec], list[_Chunk]]] = {} if beside is None else beside._tools
        self._parted: dict[tuple[_Chunk, _Chunk], tuple[int, int]] = {} if beside is None else beside._parted

    def see(self, request: Request, at: float, *, prompt_tokens: int | None = None, hidden: int = 0) -> CachedPrefix:
        """What the cache serves of a request that is sent `at` (seconds on any clock); it is in the cache from then on.

        What is used lives on: its lifetime begins anew.

        Args:
            prompt_tokens: what the prompt really came to; as counted where None.
            hidden: of these, tokens that the request does not hold and every prompt begins with: a system prompt that
                a record leaves out.
        """
        laid = self._lay_out(request, at)
        if prompt_tokens is not None and laid.total:
            laid.hidden = min(hidden, prompt_tokens)
            laid.scale = (prompt_tokens - laid.hidden) / laid.total
        total = laid.total if prompt_tokens is None else prompt_tokens
        alive = [kept for kept in self._kept if at - kept.at <= self.rules.lifetime]
        best, source = self._best(alive, laid, total)
        gone = "" if best or len(alive) == len(self._kept) else self._gone(laid, total)
        if best and source is not None:
            source.at = at
        write = self._written(laid, total) - best
        written = max(0, write) if self.rules.mode == "marked" or self.rules.write != 1 else 0
        where, why = ("", gone) if gone else self._break(source, laid, best, total)
        self._kept = [*alive, laid][-REMEMBERED:]
        return CachedPrefix(best, written, total - best - written, where, why)

    # -- comparing --

    def _best(self, alive: list[_Laid], laid: _Laid, total: int) -> tuple[int, _Laid | None]:
        """The most tokens that a living request lets the cache serve, and that request; the first of equals."""
        best, source = 0, alive[0] if alive else None
        if alive:
            last = alive[-1]
            # Nothing that lives can share more than the whole of the longest.
            if last.total == max(kept.total for kept in alive) and laid.chunks[: len(last.chunks)] == last.chunks:
                served = self._served(last, laid, total)
                if self.rules.mode == "automatic" or served >= min(total, last.hidden + round(last.total * last.scale)):
                    return served, last
        for kept in alive:
            served = self._served(kept, laid, total)
            if served > best:
                best, source = served, kept
        return best, source

    def _served(self, before: _Laid, laid: _Laid, total: int) -> int:
        same = _common(before.chunks, laid.chunks)
        tokens, pieces = laid.until(same)
        more_pieces, more_tokens = self._within(before, laid, same)
        rules = self.rules
        if rules.mode == "automatic":
            # What both begin with was sent before: its tokens are the earlier request's, where those are known.
            known = min(before.hidden, laid.hidden) + round((tokens + more_tokens) * before.scale)
            common = min(known, total - 1)  # the last token is computed
            served = common // rules.block * rules.block
            return served if served >= rules.minimum else 0
        best = hidden = min(before.hidden, laid.hidden)  # tools and system prompt end with a mark
        for mark in before.marks:
            if mark < pieces + more_pieces and any(own - rules.look_back < mark <= own for own in laid.marks):
                best = max(best, min(total, hidden + round(_end(laid, mark) * before.scale)))
        return best if best >= rules.minimum else 0

    def _within(self, before: _Laid, laid: _Laid, same: int) -> tuple[int, int]:
        """Whole pieces and tokens that two chunks where requests part begin with alike; many part at the same two."""
        if same >= len(before.chunks) or same >= len(laid.chunks):
            return 0, 0
        pair = (before.chunks[same], laid.chunks[same])
        found = self._parted.get(pair)
        if found is None:
            found = self._parted[pair] = _alike(*pair)
        return found

    def _written(self, laid: _Laid, total: int) -> int:
        """Tokens that are in the cache once the request was served."""
        if self.rules.mode == "automatic":
            end = total // self.rules.block * self.rules.block
        else:
            end = laid.hidden + round(_end(laid, max(laid.marks, default=-1)) * laid.scale)
        return end if end >= self.rules.minimum else 0

    def _gone(self, laid: _Laid, total: int) -> str:
        served = self._served(self._kept[-1], laid, total)
        return f"{served} tokens had been cached, more than {self.rules.lifetime:g} s ago" if served else ""

    def _break(self, before: _Laid | None, laid: _Laid, served: int, total: int) -> tuple[str, str]:
        """Where two requests part, and what happened there."""
        if before is None or not before.chunks:
            return "", "nothing was cached yet"
        same = _common(before.chunks, laid.chunks)
        if same == len(before.chunks) or same == len(laid.chunks):
            short = not served and same and total
            return "", f"fewer than {self.rules.minimum} tokens are the same" if short else ""
        more, _ = self._within(before, laid, same)
        one, other = before.chunks[same], laid.chunks[same]
        if (more == len(one.texts) and same == len(before.chunks) - 1) or (
            more == len(other.texts) and same == len(laid.chunks) - 1
        ):
            return "", "" if served else f"fewer than {self.rules.minimum} tokens are the same"
        if more >= len(other.texts) or more >= len(one.texts):
            # One message is the other's beginning: what comes next differs.
            more = min(more, len(other.texts) - 1)
        here, there = laid.name(same, more), before.name(same, min(more, len(one.texts) - 1))
        if here.split("[")[0] != there.split("[")[0]:
            return here, f"{here} stands where {there} stood"
        shared = shared_beginning(one.texts[min(more, len(one.texts) - 1)], other.texts[more])
        return here, f"{here} differs from its character {shared} on"

    # -- laying out --

    def _lay_out(self, request: Request, at: float) -> _Laid:
        messages = request.messages
        before = self._last
        if before is not None and self._goes_on(before, request):
            count = len(before[0].messages)
            new = [self._chunk(message) for message in messages[count:]]
            laid = self._longer(before[1], new, at)
            leading = len(messages) - laid.parts[-1][1]
        else:
            leading = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
            laid = self._whole(request, leading, at)
        if self.rules.mode == "marked":
            laid.marks = _marks(laid, messages[leading:])
        self._last = (request, laid)
        return laid

    def _goes_on(self, before: tuple[Request, _Laid], request: Request) -> bool:
        """Whether a request is an earlier one with messages put behind it, and so its layout the earlier one's."""
        earlier, laid = before
        messages, count = request.messages, len(earlier.messages)
        return (
            request.tools is earlier.tools
            and request.schema is earlier.schema
            and laid.parts[-1][0] == "messages"
            and laid.parts[-1][1] > 0  # a message of the system's that comes later is no part of the system prompt
            and messages[:count] == earlier.messages
        )

    def _longer(self, laid: _Laid, new: list[_Chunk], at: float) -> _Laid:
        """A layout with chunks put behind it."""
        ends, pieces = laid.ends.copy(), laid.pieces.copy()
        for chunk in new:
            ends.append((ends[-1] if ends else 0) + chunk.tokens)
            pieces.append((pieces[-1] if pieces else 0) + len(chunk.texts))
        parts = (*laid.parts[:-1], ("messages", laid.parts[-1][1] + len(new)))
        return _Laid((*laid.chunks, *new), ends, pieces, parts, (), at)

    def _whole(self, request: Request, leading: int, at: float) -> _Laid:
        """A layout from nothing; the first `leading` messages are the system prompt."""
        tools = self._tool_chunks(request.tools)
        schema = [] if request.schema is None else [self._schema(canonical(request.schema))]
        system = [self._chunk(message) for message in request.messages[:leading]]
        said = [self._chunk(message) for message in request.messages[leading:]]
        groups = {"tools": [("tools", tools), ("schema", schema)], "system": [("system", system)],
                  "messages": [("messages", said)]}  # fmt: skip
        ordered = [group for part in self.rules.order for group in groups[part]]
        chunks = tuple(chunk for _, group in ordered for chunk in group)
        ends = list(accumulate(chunk.tokens for chunk in chunks))
        pieces = list(accumulate(len(chunk.texts) for chunk in chunks))
        return _Laid(chunks, ends, pieces, tuple((name, len(group)) for name, group in ordered), (), at)

    def _chunk(self, message: Message) -> _Chunk:
        found = self._of.get(id(message))
        if found is not None and found[0] is message:
            return found[1]
        head = f"{message.role}:{message.tool_call_id}"
        texts: list[str] = []
        kinds: list[str] = []
        sizes: list[int] = []
        pictures = 0
        for place, part in enumerate(message.parts):
            text = part.text if isinstance(part, Text) else canonical(part.to_json())
            texts.append(f"{head}|{text}")
            kinds.append(f".parts[{place}]")
            picture = isinstance(part, Image)
            sizes.append(image_tokens(part, self._model) if isinstance(part, Image) else self._words(text))
            pictures += sizes[-1] if picture else 0
        for place, call in enumerate(message.tool_calls):
            texts.append(f"{head}|{canonical(call.to_json())}")
            kinds.append(f".calls[{place}]")
            sizes.append(estimate_calls((call,)) if self._sizes is None else len(texts[-1]))
        if not texts:
            texts, kinds, sizes = [head], [""], [0]
        if self._sizes is None:
            sizes[0] += PER_MESSAGE
        else:
            sizes = _fitted(sizes, message, self._sizes.message(message), pictures)
        chunk = self._same(tuple(texts), tuple(kinds), tuple(sizes))
        self._of[id(message)] = (message, chunk)
        return chunk

    def _tool_chunks(self, tools: Sequence[ToolSpec]) -> list[_Chunk]:
        found = self._tools.get(id(tools))
        if found is None or found[0] is not tools:
            chunks = []
            for spec in tools:
                text = canonical(spec.to_json())
                tokens = estimate(text) if self._sizes is None else self._sizes.tools((spec,))
                chunks.append(self._same((text,), ("",), (tokens,)))
            found = (tools, chunks)
            self._tools[id(tools)] = found
        return found[1]

    def _schema(self, text: str) -> _Chunk:
        return self._same((text,), ("schema",), (estimate(text),))

    def _words(self, text: str) -> int:
        """Tokens of a text; where they are counted elsewhere, its length, by which that count is shared out."""
        return estimate(text) if self._sizes is None else len(text)

    def _same(self, texts: tuple[str, ...], kinds: tuple[str, ...], sizes: tuple[int, ...]) -> _Chunk:
        """The one chunk of these texts."""
        key = (texts, kinds)
        chunk = self._chunks.get(key)
        if chunk is None:
            chunk = self._chunks[key] = _Chunk(texts, kinds, sizes)
        return chunk


def _common(before: tuple[_Chunk, ...], after: tuple[_Chunk, ...]) -> int:
    """How many chunks are the same from the beginning on."""
    if after[: len(before)] == before:
        return len(before)
    same = 0
    for one, other in zip(before, after, strict=False):
        if one is not other:
            break
        same += 1
    return same


def _alike(one: _Chunk, other: _Chunk) -> tuple[int, int]:
    """Whole pieces, and tokens of the other, that two chunks begin with alike."""
    pieces = 0
    while pieces < min(len(one.texts), len(other.texts)) and one.texts[pieces] == other.texts[pieces]:
        pieces += 1
    tokens = sum(other.sizes[:pieces])
    if pieces < min(len(one.texts), len(other.texts)):
        text, size = other.texts[pieces], other.sizes[pieces]
        shared = size * shared_beginning(one.texts[pieces], text) // len(text) if text else 0
        tokens += min(shared, max(0, size - 1))
    return pieces, tokens


def _fitted(sizes: list[int], message: Message, tokens: int, pictures: int) -> list[int]:
    """Tokens of a message's pieces that sum to what was counted: pictures as they are, the rest by length."""
    words = sum(sizes) - pictures
    left = max(0, tokens - pictures)
    fitted, done, before = [], 0, 0
    for at, size in enumerate(sizes):
        if at < len(message.parts) and isinstance(message.parts[at], Image):
            fitted.append(min(size, tokens))
            continue
        done += size
        end = left * done // words if words else 0
        fitted.append(end - before)
        before = end
    fitted[-1] += tokens - sum(fitted)
    return fitted


def _end(laid: _Laid, piece: int) -> int:
    """Tokens up to the end of a piece. Marks stand at ends of chunks, but for the last piece of a longer message."""
    if piece < 0:
        return 0
    chunk = bisect_right(laid.pieces, piece)
    return laid.ends[chunk] if chunk < len(laid.ends) else laid.total


def _marks(laid: _Laid, messages: Sequence[Message]) -> tuple[int, ...]:
    """Pieces at whose end the Anthropic adapter sets a mark: tools, system, where the call before ended, the end."""
    said = max((at for at, message in enumerate(messages) if message.role == "assistant"), default=0)
    marks, first = set(), 0
    for name, count in laid.parts:
        if name in ("tools", "system") and count:
            marks.add(laid.pieces[first + count - 1] - 1)
        if name == "schema" and count:
            marks.discard(laid.pieces[first - 1] - 1 if first else -1)
            marks.add(laid.pieces[first + count - 1] - 1)
        if name == "messages":
            marks |= {laid.pieces[first + at] - 1 for at in {said - 1, len(messages) - 1} if 0 <= at < count}
        first += count
    return tuple(sorted(marks))
