"""The newest picture stays, older ones become a word."""

from __future__ import annotations

from conversations import conversation

from scrimp.core.messages import Image
from scrimp.memory.transform.drop_images import DropImages


def test_only_the_newest_pictures_are_sent() -> None:
    request = conversation(4, pictures=True)
    kept = DropImages(keep=1).apply(request)
    pictures = [any(isinstance(part, Image) for part in message.parts) for message in kept.messages]
    assert sum(pictures) == 1
    assert pictures[-1]
    assert kept.messages[4].text == "look\n[an older picture, dropped]"


def test_nothing_to_drop_is_the_same_object() -> None:
    assert DropImages().apply(request := conversation(4)) is request
    assert DropImages().apply(one := conversation(1, pictures=True)) is one
