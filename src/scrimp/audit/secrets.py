"""What looks like a secret in a text is struck out before the text goes into a report.

Known forms of keys, what stands behind `password=` and the like, e-mail addresses, card numbers, and long strings
that look drawn at random. It errs on the side of striking out; identifiers (UUIDs, hashes in hex) stay readable.
"""

from __future__ import annotations

import math
import re
from collections import Counter

_KNOWN = re.compile(
    r"(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))"
    r"|(?P<key>\b(?:sk-ant-|sk-proj-|sk-or-|sk-|rk_live_|sk_live_|sk_test_|pk_live_|ghp_|gho_|ghu_|ghs_|github_pat_|"
    r"glpat-|hf_|xox[abprs]-|npm_|pypi-|AIza|ya29\.|SG\.|dop_v1_|lin_api_|lsv2_|pk-lf-|sk-lf-)[A-Za-z0-9_\-.]{12,})"
    r"|(?P<aws>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"
    r"|(?P<jwt>\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
    r"|(?P<bearer>(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,})"
    r"|(?P<address>[a-z][a-z0-9+.-]*://[^\s:/@\"']+:)(?P<inside>[^\s@/\"']+)(?=@)"
    r"|(?P<name>(?i:\b[\w-]*(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|"
    r"private[_-]?key|client[_-]?secret|密码|口令)\b[\"']?\s*(?:[:=：]|=>)\s*))(?P<value>\"[^\"\n]{4,}\"|'[^'\n]{4,}'|"
    r"[^\s,;\"'&<>{}()\[\]]{4,})"
    r"|(?P<mail>\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b)"
    r"|(?P<card>\b(?:\d[ -]?){13,18}\d\b)"
    r"|(?P<long>(?<![\w/+])[A-Za-z0-9_+-]{32,}={0,2}(?![\w/+]))",
    re.DOTALL,
)
_PLAIN = re.compile(r"[0-9a-fA-F-]+|[0-9_-]+|[A-Za-z_-]+[0-9]{0,8}=*")
"""Long words that are no secrets: hex, numbers, and letters with at most a number behind them."""

RANDOM = 4.0
"""Bits for each character from which a long string counts as drawn at random; English words have under 4."""

SECRET, PERSON = "[secret]", "[personal]"


def redact(text: str) -> str:
    """The text without what looks like a secret or names a person; the same text where it holds none."""
    return _KNOWN.sub(_struck, text) if text else text


def _struck(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "inside":
        return found["address"] + SECRET
    if kind == "value":
        quote = found["value"][0] if found["value"][0] in "\"'" else ""
        return found["name"] + quote + SECRET + quote
    if kind == "mail":
        return PERSON
    if kind == "card":
        return PERSON if _is_card(found[0]) else found[0]
    if kind == "long":
        return SECRET if _is_random(found[0]) else found[0]
    if kind == "bearer":
        return found[0].split()[0] + " " + SECRET
    return SECRET


def _is_random(word: str) -> bool:
    if _PLAIN.fullmatch(word) or not (any(map(str.isdigit, word)) and any(map(str.isalpha, word))):
        return False
    counts = Counter(word)
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values()) >= RANDOM


def _is_card(text: str) -> bool:
    """Luhn's check over 13 to 19 digits."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) if at % 2 else digit for at, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
