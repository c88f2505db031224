import pytest

from scrimp.evaluate.benchmarks.words import exact, hotpot_f1, normal, stemmed


def test_normalising_as_squad_does():
    assert normal("The  Eiffel-Tower, a tower.") == "eiffeltower tower"
    assert exact("the answer is Paris"[14:], "Paris.")
    assert not exact("Paris, France", "Paris")


@pytest.mark.parametrize(
    ("said", "gold", "value"),
    [
        ("Marrow Hythe", "marrow hythe", 1.0),
        ("the town of Marrow Hythe", "Marrow Hythe", 2 * 2 / 6),
        ("yes", "no", 0.0),
        ("yes it is", "yes", 0.0),
        ("noanswer", "Paris", 0.0),
        ("London", "Paris", 0.0),
        ("", "Paris", 0.0),
    ],
)
def test_hotpotqas_f1(said, gold, value):
    assert hotpot_f1(said, gold) == pytest.approx(value)


def test_words_are_cut_to_their_porter_stems():
    assert stemmed("The ponies, and a running dog's caresses") == ["poni", "run", "dog", "caress"]
