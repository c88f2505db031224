"""Tokens of pictures, against the examples providers publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.messages import Image, Request, user
from scrimp.models.anthropic import ANTHROPIC_IMAGE_BOUND
from scrimp.models.connection import IMAGE_BOUND
from scrimp.models.images import image_tokens
from scrimp.models.tokens import estimate_request


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("openai:gpt-4o", 1024, 1024, 765),
        ("openai:gpt-4o", 2048, 4096, 1105),
        ("openai:gpt-4o", 512, 512, 255),
        ("openai:gpt-4o-mini", 1024, 1024, 2833 + 4 * 5667),
        ("openai:gpt-5", 1024, 1024, 70 + 4 * 140),
        ("openai:o1", 1024, 1024, 75 + 4 * 150),
        ("openai:gpt-4.1-mini", 1024, 1024, 1659),  # 1024 patches times 1.62
        ("openai:gpt-4.1-mini", 1800, 2400, 2353),  # 1452 patches: 33 x 44 after scaling
        ("anthropic:claude-sonnet-4-5", 1000, 1000, 36 * 36),
        ("anthropic:claude-opus-5", 200, 200, 64),
        ("google:gemini-3-pro", 300, 384, 258),
        ("google:gemini-3-pro", 1000, 700, 516),
        ("", 1024, 1024, 765),
        ("http://127.0.0.1/v1#mine", 0, 0, 765),
    ],
)
def test_published_examples(model: str, width: int, height: int, tokens: int) -> None:
    assert image_tokens(Image(data="x", width=width, height=height), model) == tokens


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_picture_passes_its_bound(width: int, height: int) -> None:
    image = Image(data="x", width=width, height=height)
    for model in ("openai:gpt-4o-mini", "openai:gpt-4.1-nano", "openai:gpt-6-sol"):
        assert 0 < image_tokens(image, model) <= IMAGE_BOUND
    for model, most in (("anthropic:claude-haiku-4-5", 1568), ("anthropic:claude-opus-4-7", 4784)):
        assert 0 < image_tokens(image, model) <= most < ANTHROPIC_IMAGE_BOUND


def test_a_request_counts_its_pictures_by_the_models_rule() -> None:
    request = Request((user("look", Image(data="x", width=1024, height=1024)),))
    assert estimate_request(request, "openai:gpt-5") == estimate_request(request) - 765 + 630
