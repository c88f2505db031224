import pytest

from scrimp.evaluate.benchmarks.gold import Gold, Ref, Step, compare, slip_of

NUMBER = Gold("number", (1234.5,))
NAME = Gold("text", ("Orla Vint",))
LIST = Gold("list", (3.0, -1.5, 20.0))
SEVERAL = Gold("several", (42, "Velmora", 1234.5))


@pytest.mark.parametrize(
    ("gold", "text", "right"),
    [
        (NUMBER, "1234.5", True),
        (NUMBER, "1,234.50", True),
        (NUMBER, "First I add.\n\nThe total is 1234.5 marks.", True),
        (NUMBER, "**Answer: 1234.5**", True),
        (NUMBER, "答案是1234.5。", True),
        (NUMBER, "共1234.5个", True),
        (NUMBER, "1.2345e3", True),
        (NUMBER, "1234.500001", True),
        (NUMBER, "1234.51", False),
        (NUMBER, "-1234.5", False),
        (NUMBER, "1000 + 234.5 = 1234.5", False),  # more than one number on the last line
        (NUMBER, "1234.5\nI hope that helps.", False),  # no number on the last line
        (NUMBER, "about 12345", False),
        (NUMBER, "", False),
        (Gold("number", (-7,)), "−7", True),
        (NAME, "orla  vint.", True),
        (NAME, 'Answer: "Orla Vint"', True),
        (NAME, "The answer is Orla Vint.", True),
        (NAME, "It is Orla Vint, the manager", False),
        (NAME, "Orla Vinter", False),
        (LIST, "3, -1.5, 20", True),
        (LIST, "[3.0, -1.5, 20.0]", True),
        (LIST, "3，-1.5，20", True),
        (LIST, "-1.5, 3, 20", False),
        (LIST, "3, -1.5", False),
        (SEVERAL, "42; Velmora; 1,234.5", True),
        (SEVERAL, "42；velmora；1234.5", True),
        (SEVERAL, "Velmora; 42; 1234.5", False),
        (SEVERAL, "42, Velmora, 1234.5", False),
        (Gold("text", ("unsolvable",)), "Unsolvable.", True),
    ],
)
def test_answers_are_compared_by_the_last_line(gold, text, right):
    score = compare(gold, text)
    assert (score.success, score.value) == (right, float(right))
    assert bool(score.detail) is not right


def test_the_detail_says_what_differs():
    assert "part 2: expected 'Velmora', got 'Torlis'" in compare(SEVERAL, "42; Torlis; 1234.5").detail
    assert "expected 3 parts, the last line has 2" in compare(LIST, "1, 2").detail


def test_depth_and_need():
    steps = (Step("a", {}, ("x", 1)), Step("b", {"x": Ref(0)}, ("x", 1)), Step("c", {"x": 3}, ("x", 1)))
    assert Gold("number", (1,), steps, (1,)).depth == 2
    assert Gold("number", (1,), steps, (1,)).needs_call
    assert not Gold("number", (1,), steps, (1,), direct="1").needs_call
    assert Gold("text", ("unsolvable",), direct="unsolvable").depth == 0


@pytest.mark.parametrize("value", [True, 3, 30, 2.5, "word", "w", "", [1, 2], [], {"a": 1}, {}, None])
def test_a_slip_is_of_the_same_type_and_differs(value):
    wrong = slip_of(value)
    assert wrong != value
    assert value is None or type(wrong) is type(value)
    assert slip_of(value) == wrong
