"""What a model server's refusals, broken connections and error texts mean."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from scrimp.core.errors import ModelFailed
from scrimp.models.connection import Connection
from scrimp.models.openai_stream import RETRYABLE

if TYPE_CHECKING:
    import httpx2

_SHOWN = 300


@dataclass(frozen=True)
class Failures:
    """Makes the ModelFailed of one model; none of them shows its key."""

    name: str
    connection: Connection

    def refused(self, response: httpx2.Response, content: bytes) -> ModelFailed:
        """The failure behind an HTTP status that is not 200."""
        status, text = response.status_code, content.decode("utf-8", "replace")
        detail, code = _error_detail(text)
        quota = code == "insufficient_quota"
        remedy = {
            401: f"set {self.connection.key_variable}",
            403: f"check what {self.connection.key_variable} may do",
            404: "check the address and the model's name",
        }.get(status, "")
        return ModelFailed(
            f"{self.name} refused with status {status}: {self.shown(detail)}",
            status=status,
            retry_after=retry_after(response.headers),
            retryable=(status in RETRYABLE or status >= 500) and not quota,
            remedy=remedy,
        )

    def lost(self, error: httpx2.HTTPError) -> ModelFailed:
        """The failure behind a broken or never made connection."""
        import httpx2

        unmade = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        what = "cannot be reached at" if unmade else "lost the connection to"
        reason = self.shown(str(error) or type(error).__name__)
        return ModelFailed(
            f"{self.name} {what} {self.connection.base}: {reason}",
            retryable=True,
            sent=not unmade,
            remedy="is the server running?" if unmade else "",
        )

    def shown(self, text: str) -> str:
        """Text of others as it may be shown: without the key, on one line, not too long."""
        key = self.connection.api_key
        text = text.replace(key, "[key]") if key else text
        text = re.sub(r"\s+", " ", text).strip()
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" not in headers:
            return None
        text = headers["retry-after"].strip()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _error_detail(text: str) -> tuple[str, str]:
    """Message and code of an error body; the body itself where it has another form."""
    try:
        value = json.loads(text)
    except ValueError:
        return text, ""
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, Mapping):
        return str(error), ""
    return str(error.get("message") or error.get("detail") or text), str(error.get("code") or "")
