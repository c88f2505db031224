"""A provider's prompt cache over a run: requests with the times they were sent, each compared with all that still live.

It answers as `prefix.compare` does for two requests, but looks at each message once: a run's requests share their
messages, so a request that goes on with the one before costs what is new in it (`prefix_layout.py`).
"""

from __future__ import annotations

from bisect import bisect_right

from scrimp.core.messages import Request
from scrimp.models.cache_rules import CacheRules
from scrimp.models.prefix import CachedPrefix, shared_beginning
from scrimp.models.prefix_layout import Layout, Layouts, Shelf, SizesOf

REMEMBERED = 64
"""Requests that are compared with; older ones are forgotten."""


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
        self.rules = rules
        self._shelf: Shelf = Shelf(model, sizes) if beside is None else beside._shelf
        self._layouts = Layouts(rules, self._shelf)
        self._kept: list[Layout] = []
        self._oldest = 0.0  # none that is kept was used before

    def see(self, request: Request, at: float, *, prompt_tokens: int | None = None, hidden: int = 0) -> CachedPrefix:
        """What the cache serves of a request that is sent `at` (seconds on any clock); it is in the cache from then on.

        What is used lives on: its lifetime begins anew.

        Args:
            prompt_tokens: what the prompt really came to; as counted where None.
            hidden: of these, tokens that the request does not hold and every prompt begins with: a system prompt that
                a record leaves out.
        """
        laid = self._layouts.of(request)
        laid.at = at
        if prompt_tokens is not None and laid.total:
            laid.hidden = min(hidden, prompt_tokens)
            laid.scale = (prompt_tokens - laid.hidden) / laid.total
        total = laid.total if prompt_tokens is None else prompt_tokens
        latest = self._kept[-1] if self._kept else None
        gone = self._forget(at)
        best, source, same = self._best(laid, total)
        if best and source is not None:
            source.at = at
        write = self._written(laid, total) - best
        written = max(0, write) if self.rules.mode == "marked" or self.rules.write != 1 else 0
        why = self._gone(latest, laid, total) if gone and latest is not None and not best else ""
        where, why = ("", why) if why else self._break(source, laid, same, best)
        self._keep(laid)
        return CachedPrefix(best, written, total - best - written, where, why)

    # -- keeping --

    def _forget(self, at: float) -> bool:
        """Drop what nobody used for too long; whether there was any."""
        if not self._kept or at - self._oldest <= self.rules.lifetime:
            return False
        before, self._kept = self._kept, [kept for kept in self._kept if at - kept.at <= self.rules.lifetime]
        self._oldest = min([kept.at for kept in self._kept], default=at)
        return len(self._kept) < len(before)

    def _keep(self, laid: Layout) -> None:
        kept = self._kept
        self._oldest = min(self._oldest, laid.at) if kept else laid.at
        kept.append(laid)
        if len(kept) > REMEMBERED:
            del kept[0]

    # -- comparing --

    def _best(self, laid: Layout, total: int) -> tuple[int, Layout | None, int]:
        """The most tokens that a living request lets the cache serve, that request, and chunks they begin with alike.

        The first of equals, but for the last request where this one goes on with it.
        """
        if not self._kept:
            return 0, None, 0
        last = self._kept[-1]
        same = last.common(laid)
        goes_on = last.ahead and same == last.count
        laid.ahead = goes_on or not any(_begins(kept, laid) for kept in self._kept)
        if goes_on:
            # No other request can share more with it than the whole of the last one.
            served = self._served(last, laid, same, total)
            if self.rules.mode == "automatic" or served >= min(total, last.hidden + round(last.total * last.scale)):
                return served, last, same
        best, source, shared = -1, last, same
        for kept in self._kept:
            same = kept.common(laid)
            served = self._served(kept, laid, same, total)
            if served > best:
                best, source, shared = served, kept, same
        return best, source, shared

    def _served(self, before: Layout, laid: Layout, same: int, total: int) -> int:
        """Tokens that an earlier request lets the cache serve, `same` chunks of which are the same."""
        tokens, pieces = laid.until(same)
        if same < before.count and same < laid.count:
            more_pieces, more_tokens = self._shelf.alike(before.line.chunks[same], laid.line.chunks[same])
            tokens, pieces = tokens + more_tokens, pieces + more_pieces
        rules, hidden = self.rules, min(before.hidden, laid.hidden)
        if rules.mode == "automatic":
            # What both begin with was sent before: its tokens are the earlier request's, where those are known.
            common = min(hidden + round(tokens * before.scale), total - 1)  # the last token is computed
            served = common // rules.block * rules.block
            return served if served >= rules.minimum else 0
        best = hidden  # tools and system prompt end with a mark
        for mark in reversed(before.marks):
            if mark < pieces and any(own - rules.look_back < mark <= own for own in laid.marks):
                best = max(best, min(total, hidden + round(_end(laid, mark) * before.scale)))
                break
        return best if best >= rules.minimum else 0

    def _written(self, laid: Layout, total: int) -> int:
        """Tokens that are in the cache once the request was served."""
        if self.rules.mode == "automatic":
            end = total // self.rules.block * self.rules.block
        else:
            end = laid.hidden + round(_end(laid, max(laid.marks, default=-1)) * laid.scale)
        return end if end >= self.rules.minimum else 0

    def _gone(self, latest: Layout, laid: Layout, total: int) -> str:
        served = self._served(latest, laid, latest.common(laid), total)
        return f"{served} tokens had been cached, more than {self.rules.lifetime:g} s ago" if served else ""

    def _break(self, before: Layout | None, laid: Layout, same: int, served: int) -> tuple[str, str]:
        """Where two requests part behind the `same` chunks, and what happened there."""
        if before is None or not before.count:
            return "", "nothing was cached yet"
        few = "" if served else f"fewer than {self.rules.minimum} tokens are the same"
        if same == before.count or same == laid.count:
            return "", few if same else ""
        one, other = before.line.chunks[same], laid.line.chunks[same]
        more, _ = self._shelf.alike(one, other)
        if (more == one.pieces and same == before.count - 1) or (more == other.pieces and same == laid.count - 1):
            return "", few
        # Where one message is the other's beginning, what comes next differs.
        more = min(more, other.pieces - 1) if more >= min(one.pieces, other.pieces) else more
        here, there = laid.name(same, more), before.name(same, min(more, one.pieces - 1))
        if here.split("[")[0] != there.split("[")[0]:
            return here, f"{here} stands where {there} stood"
        shared = shared_beginning(one.texts[min(more, one.pieces - 1)], other.texts[more])
        return here, f"{here} differs from its character {shared} on"


def _begins(kept: Layout, laid: Layout) -> bool:
    """Whether a kept request begins with the whole of another and goes on."""
    return kept.count > laid.count and kept.common(laid) == laid.count


def _end(laid: Layout, piece: int) -> int:
    """Tokens up to the end of a piece. Marks stand at ends of chunks, but for the last piece of a longer message."""
    if piece < 0:
        return 0
    chunk = bisect_right(laid.line.pieces, piece, hi=laid.count)
    return laid.line.ends[chunk] if chunk < laid.count else laid.total
