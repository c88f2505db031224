import inspect

import pytest

from scrimp.core import errors
from scrimp.core.errors import BudgetExceeded, InputError, ModelFailed, OutsideError, ScrimpError, UnknownName, one_of

TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ScrimpError)]


def test_every_error_is_drawn_with_its_exit_code() -> None:
    drawing = errors.__doc__ or ""
    for cls in TREE:
        line = next(line for line in drawing.splitlines() if cls.__name__ in line.split())
        if cls is not ScrimpError:
            assert line.split()[line.split().index(cls.__name__) + 1] == str(cls.exit_code), line
    assert len({cls.code for cls in TREE}) == len(TREE)


def test_remedies_follow_the_message() -> None:
    assert str(InputError("bad", remedy="do better")) == "bad (do better)"
    assert str(InputError("bad")) == "bad"
    assert str(UnknownName("model", "x", ["b", "a"])) == "no model is called 'x' (known: a, b)"
    assert str(UnknownName("model", "x", ["b"], remedy="look there")).endswith("(look there)")


def test_what_children_that_ran_at_once_failed_with() -> None:
    budget = BudgetExceeded("usd", limit=1, spent=1, reserved=0, needed=1)
    lost, plain = ModelFailed("lost"), KeyError("x")
    assert one_of(ExceptionGroup("g", [lost, ExceptionGroup("h", [budget])])) is budget
    assert one_of(ExceptionGroup("g", [lost, InputError("x")])) is lost
    mixed = ExceptionGroup("g", [budget, ExceptionGroup("h", [plain])])
    assert one_of(mixed) is mixed
    with pytest.raises(OutsideError):
        raise one_of(ExceptionGroup("g", [lost]))
