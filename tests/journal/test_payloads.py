import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scrimp.core.events import ulid
from scrimp.core.messages import Request, user
from scrimp.journal.journal import Journal, RunRecord
from scrimp.journal.payloads import pack, unpack

texts = st.text(st.characters(), max_size=400) | st.text("雨\ud800 a", min_size=200, max_size=900)


@given(texts)
def test_what_is_packed_comes_back(text: str) -> None:
    assert unpack(pack(text)) == text


def test_repetition_is_cheap_and_noise_is_not_made_longer() -> None:
    text = json.dumps({"text": "天气 " * 1000})
    assert len(pack(text)) < len(text) / 20
    assert len(pack("x")) == 2


def test_a_long_conversation_grows_by_what_is_new_and_comes_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    run = RunRecord(ulid(), {"tools": []}, {})
    journal.begin(run)
    places, sizes = [], []
    for number in range(1, 301):
        request = Request(tuple(user(f"词 {place}") for place in range(number)))
        places.append(journal._payloads.place(run.id, request))
        sizes.append(journal._connection.execute("SELECT total(length(data)) FROM payloads").fetchone()[0])
    for number in (1, 8, 9, 64, 65, 300):
        texts = [message["parts"][0]["text"] for message in journal._payloads.get(places[number - 1])["messages"]]
        assert texts == [f"词 {place}" for place in range(number)]
    assert max(map(len, places)) < 24 * 70, "hashes a request names itself"
    assert sizes[299] - sizes[199] < 1.5 * (sizes[199] - sizes[99])
    journal._payloads.forget()
    again = journal._payloads.place(run.id, Request(tuple(user(f"词 {place}") for place in range(300))))
    assert again == places[-1]
    journal.close()
