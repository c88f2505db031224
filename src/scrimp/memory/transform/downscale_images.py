"""Downscale images: pictures larger than an edge are sent smaller.

Saves most of a picture's tokens; small print in it may no longer be read. The bytes are scaled with Pillow, in the
extra `images`; a picture that is only an address is left as it is.
"""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

from scrimp.core.errors import MissingExtra
from scrimp.core.messages import Image, Message, Request
from scrimp.core.registry import Card, method
from scrimp.core.usage import NO_USAGE, Usage
from scrimp.memory.parts.rewriting import Rewritten, with_messages

CARD = Card(
    name="downscale-images",
    family="transform",
    title="Downscaling of pictures",
    saves="prompt tokens of large pictures",
    against="everything",
    needs=("pillow",),
    workload="toolworld",
    n=250,
    margin=5.0,
    verdicts={"oracle": "not distinguishable"},
    notes="The tool world has no pictures: measured on recorded runs only.",
)


@method(CARD)
class DownscaleImages:
    """Send pictures no larger than an edge.

    Args:
        edge: most pixels of a side.
        pixels: whether the bytes are scaled; False changes the stated size only, for a what-if.
    """

    def __init__(self, edge: int = 768, pixels: bool = True) -> None:
        if edge < 1:
            raise ValueError(f"edge is {edge}; it is at least 1 pixel")
        self.edge, self.pixels = edge, pixels
        self._scaled = Rewritten(self._smaller)

    def apply(self, request: Request) -> Request:
        """The request with smaller pictures.

        Raises:
            MissingExtra: Pillow is not installed.
        """
        large = {
            at: self._scaled.of(message) for at, message in enumerate(request.messages)
            if any(isinstance(part, Image) and self._is_large(part) for part in message.parts)
        }  # fmt: skip
        return with_messages(request, large)

    def cost(self, request: Request) -> Usage:
        """Nothing."""
        return NO_USAGE

    def _is_large(self, picture: Image) -> bool:
        return max(picture.width, picture.height) > self.edge and (bool(picture.data) or not self.pixels)

    def _smaller(self, message: Message) -> Message:
        parts = tuple(
            self._scale(part) if isinstance(part, Image) and self._is_large(part) else part for part in message.parts
        )
        return replace(message, parts=parts)

    def _scale(self, picture: Image) -> Image:
        share = self.edge / max(picture.width, picture.height)
        width, height = max(1, round(picture.width * share)), max(1, round(picture.height * share))
        data = _resized(picture.data, width, height) if self.pixels else picture.data
        kind = "image/png" if self.pixels else picture.media_type
        return replace(picture, data=data, media_type=kind, width=width, height=height)


def _resized(data: str, width: int, height: int) -> str:
    """The picture as a PNG of that size, in base64."""
    try:
        from PIL import Image as Pictures
    except ImportError as error:
        raise MissingExtra("scaling pictures needs Pillow", remedy="pip install 'scrimp[images]'") from error
    with Pictures.open(io.BytesIO(base64.b64decode(data))) as opened:
        out = io.BytesIO()
        smaller: Any = opened.resize((width, height))
        smaller.save(out, format="PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")
