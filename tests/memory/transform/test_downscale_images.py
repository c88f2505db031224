"""Large pictures are sent smaller."""

from __future__ import annotations

import base64
import importlib.util
import struct
import zlib

import pytest
from conversations import conversation

from scrimp.core.errors import MissingExtra
from scrimp.core.messages import Image, Request, user
from scrimp.memory.transform.downscale_images import DownscaleImages


def test_the_stated_size_shrinks_to_the_edge_and_keeps_its_shape() -> None:
    smaller = DownscaleImages(edge=400, pixels=False).apply(conversation(2, pictures=True))
    sizes = [(part.width, part.height) for m in smaller.messages for part in m.parts if isinstance(part, Image)]
    assert sizes == [(400, 200), (400, 200)]


def test_small_pictures_and_addresses_stay() -> None:
    assert DownscaleImages(edge=2000).apply(request := conversation(2, pictures=True)) is request
    address = Request((user(Image(url="https://example.org/a.png", width=4000, height=3000)),))
    assert DownscaleImages().apply(address) is address


def png(width: int, height: int) -> str:
    rows = b"".join(b"\x00" + b"\x40" * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def test_the_bytes_are_scaled_where_pillow_is_at_hand() -> None:
    request = Request((user(Image(data=png(200, 100), width=200, height=100)),))
    if importlib.util.find_spec("PIL") is None:
        with pytest.raises(MissingExtra, match="pip install"):
            DownscaleImages(edge=50).apply(request)
        return
    (picture,) = DownscaleImages(edge=50).apply(request).messages[0].parts
    assert isinstance(picture, Image)
    raw = base64.b64decode(picture.data)
    assert struct.unpack(">II", raw[16:24]) == (50, 25)
