"""Requests laid out as a provider's cache sees them: chunks in its order, and the tokens up to the end of each.

A message or tool is looked at once, however many requests hold it, and its words only where two prompts part at it. A
request that goes on with the one before uses that one's lists and adds to their ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import is_
from typing import Any, Protocol

from scrimp.core.messages import Image, Message, Part, Request, Text, ToolSpec, canonical
from scrimp.models.cache_rules import CacheRules
from scrimp.models.images import image_tokens
from scrimp.models.prefix import shared_beginning
from scrimp.models.tokens import PER_MESSAGE, estimate, estimate_calls, estimate_tools


class SizesOf(Protocol):
    """Tokens of messages and tools, counted elsewhere."""

    def message(self, message: Message) -> int: ...

    def tools(self, tools: Sequence[ToolSpec]) -> int: ...


class Chunk:
    """A message, tool or schema of a prompt; equal ones are one object on a Shelf, so that they compare by identity.

    It is made of pieces, of which two chunks may share the first ones: parts and calls of a message, else one.
    """

    __slots__ = ("_known", "_shelf", "_sizes", "_texts", "pieces", "source", "tokens")

    def __init__(self, source: Message | ToolSpec | str, tokens: int, pieces: int, shelf: Shelf, known: bool) -> None:
        self.source, self.tokens, self.pieces = source, tokens, pieces
        self._shelf, self._known = shelf, known
        self._texts: tuple[str, ...] | None = None
        self._sizes: Sequence[int] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What the cache compares, piece by piece."""
        if self._texts is None:
            source = self.source
            if isinstance(source, Message):
                self._texts = _texts(source)
            else:
                self._texts = (source if isinstance(source, str) else canonical(source.to_json()),)
        return self._texts

    @property
    def sizes(self) -> Sequence[int]:
        """Tokens of each piece."""
        if self._sizes is None:
            source = self.source
            if self.pieces > 1 and isinstance(source, Message):
                self._sizes = self._shelf.piece_sizes(source, self.tokens, self._known)
            else:
                self._sizes = (self.tokens,)
        return self._sizes

    def kind(self, piece: int) -> str:
        """The last part of a piece's name: `.parts[0]`, `.calls[1]`, or nothing."""
        source = self.source
        if not isinstance(source, Message) or not (source.parts or source.tool_calls):
            return ""
        told = len(source.parts)
        return f".parts[{piece}]" if piece < told else f".calls[{piece - told}]"


class Shelf:
    """Chunks of all messages and tools that caches have seen, each once.

    Args:
        model: by which pictures are counted.
        sizes: tokens where they were counted already; estimated where None.
    """

    def __init__(self, model: str = "", sizes: SizesOf | None = None) -> None:
        self._model, self._sizes = model, sizes
        self._of: dict[int, tuple[Message, Chunk]] = {}  # the message is held, so that its id stays its own
        self._same: dict[tuple[object, ...], Chunk] = {}
        self._tools: dict[int, tuple[Sequence[ToolSpec], list[Chunk]]] = {}
        self._specs: dict[str, Chunk] = {}
        self._schemas: dict[str, Chunk] = {}
        self._parted: dict[tuple[Chunk, Chunk], tuple[int, int]] = {}

    def messages(self, messages: Sequence[Message]) -> list[Chunk]:
        """Chunks of messages."""
        known = self._of
        return [found[1] if (found := known.get(id(message))) else self._message(message) for message in messages]

    def tools(self, tools: Sequence[ToolSpec]) -> list[Chunk]:
        """Chunks of tools."""
        found = self._tools.get(id(tools))
        if found is None:
            found = self._tools[id(tools)] = (tools, [self._tool(spec) for spec in tools])
        return found[1]

    def schema(self, schema: Mapping[str, Any]) -> Chunk:
        """The chunk of an output schema."""
        text = canonical(schema)
        found = self._schemas.get(text)
        if found is None:
            found = self._schemas[text] = Chunk(text, estimate(text), 1, self, False)
        return found

    def alike(self, one: Chunk, other: Chunk) -> tuple[int, int]:
        """Whole pieces, and tokens of the other, that two chunks begin with alike; the same two are often asked for."""
        found = self._parted.get((one, other))
        if found is None:
            found = self._parted[one, other] = _alike(one, other)
        return found

    def piece_sizes(self, message: Message, tokens: int, known: bool) -> list[int]:
        """Tokens of a message's pieces: estimated, or where their sum is known shared out by the texts' lengths."""
        if not known:
            sizes = [self._part(part) for part in message.parts]
            sizes += [estimate_calls((call,)) for call in message.tool_calls]
            sizes[0] += PER_MESSAGE
            return sizes
        pictures = [image_tokens(part, self._model) if isinstance(part, Image) else 0 for part in message.parts]
        lengths = [0 if isinstance(part, Image) else len(_words(part)) for part in message.parts]
        lengths += [len(text) for text in _texts(message)[len(lengths) :]] if message.tool_calls else ()
        return _fitted(lengths, message, tokens, pictures)

    def _message(self, message: Message) -> Chunk:
        words = tuple([part.text if type(part) is Text else part for part in message.parts])
        calls = message.tool_calls
        key: tuple[object, ...] = (message.role, message.tool_call_id, words, *[(call.id, call.name) for call in calls])
        chunk = self._same.get(key)
        if chunk is not None and calls and chunk.texts != _texts(message):
            key = (*key, *_texts(message))  # what calls are made with is looked at only where all else is equal
            chunk = self._same.get(key)
        if chunk is None:
            chunk = self._same[key] = self._new(message)
        self._of[id(message)] = (message, chunk)
        return chunk

    def _new(self, message: Message) -> Chunk:
        pieces = len(message.parts) + len(message.tool_calls) or 1
        if self._sizes is not None:
            return Chunk(message, self._sizes.message(message), pieces, self, True)
        if not message.parts and not message.tool_calls:
            return Chunk(message, PER_MESSAGE, pieces, self, False)
        return Chunk(message, sum(self.piece_sizes(message, 0, False)), pieces, self, False)

    def _part(self, part: Part) -> int:
        return image_tokens(part, self._model) if isinstance(part, Image) else estimate(_words(part))

    def _tool(self, spec: ToolSpec) -> Chunk:
        found = self._specs.get(spec.hash)
        if found is None:
            tokens = estimate_tools((spec,)) if self._sizes is None else self._sizes.tools((spec,))
            found = self._specs[spec.hash] = Chunk(spec, tokens, 1, self, False)
        return found


class Line:
    """Chunks in a row, and where each ends in tokens and in pieces; layouts that go on with one another share one."""

    __slots__ = ("chunks", "ends", "pieces")

    def __init__(self, chunks: list[Chunk]) -> None:
        self.chunks = chunks
        self.ends = list(accumulate([chunk.tokens for chunk in chunks]))
        self.pieces = list(accumulate([chunk.pieces for chunk in chunks]))

    def put(self, count: int, more: list[Chunk]) -> Line:
        """The line of its first `count` chunks and some more: itself, unless others were put behind those already."""
        if len(self.chunks) > count:
            return Line([*self.chunks[:count], *more])
        tokens, pieces = (self.ends[-1], self.pieces[-1]) if count else (0, 0)
        for chunk in more:
            tokens += chunk.tokens
            pieces += chunk.pieces
            self.ends.append(tokens)
            self.pieces.append(pieces)
        self.chunks += more
        return self


@dataclass(slots=True)
class Layout:
    """A request laid out: the first `count` chunks of a line.

    Attributes:
        total: tokens of all chunks, as counted.
        parts: how many chunks belong to each part of the prompt.
        said: which of its messages behind the system prompt is the last answer; 0 where there is none.
        marks: pieces at whose end a mark stands; `fixed` are those of tools and system prompt.
        at: seconds at which it was last used.
        scale: what its tokens really were, where that is known, for each counted one; `hidden` tokens stand before all.
        ahead: no request before it began with the whole of it and went on.
    """

    line: Line
    count: int
    total: int
    parts: tuple[tuple[str, int], ...]
    said: int
    fixed: tuple[int, ...]
    marks: tuple[int, ...] = ()
    at: float = 0.0
    scale: float = 1.0
    hidden: int = 0
    ahead: bool = True

    def until(self, chunks: int) -> tuple[int, int]:
        """Tokens and pieces of the first so many chunks."""
        return (self.line.ends[chunks - 1], self.line.pieces[chunks - 1]) if chunks else (0, 0)

    def common(self, other: Layout) -> int:
        """How many chunks two layouts begin with alike."""
        if self.line is other.line:
            return min(self.count, other.count)
        # Lists of a line may be longer than the layout.
        same = list(map(is_, self.line.chunks[: self.count], other.line.chunks[: other.count]))
        return same.index(False) if False in same else len(same)

    def name(self, chunk: int, piece: int) -> str:
        """`messages[3].parts[0]`: where a piece stands."""
        at = chunk
        for part, count in self.parts:
            if at < count:
                return part if part == "schema" else f"{part}[{at}]{self.line.chunks[chunk].kind(piece)}"
            at -= count
        return ""


class Layouts:
    """Lays out requests, one after the other."""

    def __init__(self, rules: CacheRules, shelf: Shelf) -> None:
        self._rules, self._shelf = rules, shelf
        self._last: tuple[Request, Layout] | None = None

    def of(self, request: Request) -> Layout:
        """The layout of a request."""
        last = self._last
        laid = self._whole(request) if last is None or not _goes_on(*last, request) else self._longer(*last, request)
        if self._rules.mode == "marked":
            laid.marks = _marks(laid)
        self._last = (request, laid)
        return laid

    def _longer(self, earlier: Request, laid: Layout, request: Request) -> Layout:
        """A layout with messages put behind it."""
        new = request.messages[len(earlier.messages) :]
        line = laid.line.put(laid.count, self._shelf.messages(new))
        said, before = laid.said, laid.parts[-1][1]
        for at, message in enumerate(new):
            if message.role == "assistant":
                said = before + at
        parts = (*laid.parts[:-1], ("messages", before + len(new)))
        count = laid.count + len(new)
        return Layout(line, count, line.ends[count - 1], parts, said, laid.fixed)

    def _whole(self, request: Request) -> Layout:
        """A layout from nothing; messages of the system's that come first are the system prompt."""
        messages, shelf = request.messages, self._shelf
        leading = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
        schema = [] if request.schema is None else [shelf.schema(request.schema)]
        groups = {"tools": [("tools", shelf.tools(request.tools)), ("schema", schema)],
                  "system": [("system", shelf.messages(messages[:leading]))],
                  "messages": [("messages", shelf.messages(messages[leading:]))]}  # fmt: skip
        ordered = [group for part in self._rules.order for group in groups[part]]
        line = Line([chunk for _, chunks in ordered for chunk in chunks])
        said = max((at for at, message in enumerate(messages[leading:]) if message.role == "assistant"), default=0)
        parts = tuple([(name, len(chunks)) for name, chunks in ordered])
        total = line.ends[-1] if line.ends else 0
        return Layout(line, len(line.chunks), total, parts, said, _fixed_marks(line, parts))


def _goes_on(earlier: Request, laid: Layout, request: Request) -> bool:
    """Whether a request is an earlier one with messages put behind it, and so its layout the earlier one's."""
    count = len(earlier.messages)
    return (
        request.tools is earlier.tools
        and request.schema is earlier.schema
        and laid.parts[-1][0] == "messages"
        and laid.parts[-1][1] > 0  # a message of the system's that comes later is no part of the system prompt
        and request.messages[:count] == earlier.messages
    )


def _fixed_marks(line: Line, parts: tuple[tuple[str, int], ...]) -> tuple[int, ...]:
    """Pieces at whose end the Anthropic adapter sets a mark, whatever the messages: tools with schema, and system."""
    marks, first = set(), 0
    for name, count in parts:
        if name in ("tools", "system") and count:
            marks.add(line.pieces[first + count - 1] - 1)
        if name == "schema" and count:
            marks.discard(line.pieces[first - 1] - 1 if first else -1)
            marks.add(line.pieces[first + count - 1] - 1)
        first += count
    return tuple(marks)


def _marks(laid: Layout) -> tuple[int, ...]:
    """Pieces at whose end a mark stands: the fixed ones, where the call before ended, and the end."""
    marks, first, pieces = set(laid.fixed), 0, laid.line.pieces
    for name, count in laid.parts:
        if name == "messages" and count:
            marks.add(pieces[first + count - 1] - 1)
            if laid.said:
                marks.add(pieces[first + laid.said - 1] - 1)
        first += count
    return tuple(sorted(marks))


def _words(part: Part) -> str:
    return part.text if isinstance(part, Text) else canonical(part.to_json())


def _texts(message: Message) -> tuple[str, ...]:
    """The pieces of a message as the cache compares them."""
    head = f"{message.role}:{message.tool_call_id}"
    texts = [f"{head}|{_words(part)}" for part in message.parts]
    texts += [f"{head}|{canonical(call.to_json())}" for call in message.tool_calls]
    return tuple(texts) or (head,)


def _alike(one: Chunk, other: Chunk) -> tuple[int, int]:
    pieces, both = 0, min(one.pieces, other.pieces)
    while pieces < both and one.texts[pieces] == other.texts[pieces]:
        pieces += 1
    tokens = sum(other.sizes[:pieces])
    if pieces < both:
        text, size = other.texts[pieces], other.sizes[pieces]
        shared = size * shared_beginning(one.texts[pieces], text) // len(text) if text else 0
        tokens += min(shared, max(0, size - 1))
    return pieces, tokens


def _fitted(lengths: list[int], message: Message, tokens: int, pictures: list[int]) -> list[int]:
    """Tokens of a message's pieces that sum to what was counted: pictures as they are, the rest by length."""
    seen = [isinstance(part, Image) for part in message.parts] + [False] * len(message.tool_calls)
    words = sum(lengths)
    left = max(0, tokens - sum(pictures))
    fitted, done, before = [], 0, 0
    for at, length in enumerate(lengths):
        if seen[at]:
            fitted.append(min(pictures[at], tokens))
            continue
        done += length
        end = left * done // words if words else 0
        fitted.append(end - before)
        before = end
    fitted[-1] += tokens - sum(fitted)
    return fitted
