"""Prompt caches by the published rules of two providers.

OpenAI: automatic; a prompt of 1024 tokens or more is looked up in steps of 128 tokens; writing costs nothing extra;
what is not used for ten minutes is dropped.

Anthropic: only up to blocks that carry `cache_control` (at most four of them); a beginning of at least 1024 tokens is
written at a breakpoint, and read where an earlier request wrote one at the breakpoint or up to 20 blocks before it;
it lives five minutes (or an hour) from its last use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from scrimp.testing.billing.tokens import Block, block_tokens, units

STEP = 128
MINIMUM = 1024
IDLE = 600.0
LOOK_BACK = 20
BREAKPOINTS = 4


@dataclass(frozen=True)
class Split:
    """Prompt tokens by what they cost; `written_hour` were written to live an hour."""

    fresh: int = 0
    cached: int = 0
    written: int = 0
    written_hour: int = 0


@dataclass
class AutomaticCache:
    """OpenAI's rules; `used` holds when each beginning was last used."""

    used: dict[bytes, float] = field(default_factory=dict)

    def split(self, blocks: list[Block], size: int, now: float) -> Split:
        """What of this prompt is served from the cache; the prompt is in it from now on."""
        chain, total, marks = hashlib.sha256(), 0, []
        for unit in units(blocks, size):
            chain.update(b"%d:" % len(unit) + unit)
            total += 1
            if total >= MINIMUM and total % STEP == 0:
                marks.append((total, chain.digest()))
        alive = [at for at, key in marks if key in self.used and now - self.used[key] <= IDLE]
        cached = max((at for at in alive if at < total), default=0)
        for _, key in marks:
            self.used[key] = now
        return Split(total - cached, cached)


@dataclass
class MarkedCache:
    """Anthropic's rules; `expires` holds how long each written beginning lives, and for how long anew when used."""

    expires: dict[bytes, tuple[float, int]] = field(default_factory=dict)

    def split(self, blocks: list[Block], size: int, now: float) -> Split:
        """What of this prompt is read from the cache and what is written to it."""
        ends: list[tuple[int, bytes]] = []
        chain, total = hashlib.sha256(), 0
        for block in blocks:
            chain.update(b"%d:%d:" % (block.added, len(block.data)) + block.data)
            total += block_tokens(block, size)
            ends.append((total, chain.digest()))
        marked = [place for place, block in enumerate(blocks) if block.marked and ends[place][0] >= MINIMUM]
        cached = self._read(ends, marked, now)
        at, written, hour = cached, 0, 0
        for place in marked:
            until, key = ends[place]
            lifetime = blocks[place].marked
            self.expires[key] = (now + lifetime, lifetime)
            if until > at:
                written, hour = (written, hour + until - at) if lifetime > 300 else (written + until - at, hour)
                at = until
        return Split(total - cached - written - hour, cached, written, hour)

    def _read(self, ends: list[tuple[int, bytes]], marked: list[int], now: float) -> int:
        """Tokens of the longest beginning that is found."""
        for last in reversed(marked):
            for place in range(last, max(last - LOOK_BACK, -1), -1):
                tokens, key = ends[place]
                until, lifetime = self.expires.get(key, (0.0, 0))
                if until >= now and lifetime:
                    self.expires[key] = (now + lifetime, lifetime)
                    return tokens
        return 0
