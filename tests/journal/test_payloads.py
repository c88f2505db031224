import json

from hypothesis import given
from hypothesis import strategies as st

from scrimp.journal.payloads import pack, unpack

texts = st.text(st.characters(), max_size=400) | st.text("雨\ud800 a", min_size=200, max_size=900)


@given(texts)
def test_what_is_packed_comes_back(text: str) -> None:
    assert unpack(pack(text)) == text


def test_repetition_is_cheap_and_noise_is_not_made_longer() -> None:
    text = json.dumps({"text": "天气 " * 1000})
    assert len(pack(text)) < len(text) / 20
    assert len(pack("x")) == 2
