import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.core.protocols import Benchmark
from scrimp.evaluate.benchmarks.catalog import open_benchmark, split_name
from scrimp.evaluate.benchmarks.entries import BENCHMARKS
from scrimp.evaluate.benchmarks.files import samples

FIXTURES = samples("bfcl")


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_facts_agree_with_the_benchmark(name):
    entry = BENCHMARKS[name]
    if entry.package and (find_spec(entry.package) is None or (name == "scienceworld" and which("java") is None)):
        pytest.skip(f"{entry.package} is not installed")
    opened = open_benchmark(name, FIXTURES if entry.needs_data else None)
    assert isinstance(opened, Benchmark)
    assert opened.name == name
    assert opened.splits == entry.splits
    assert opened.default_split in opened.splits
    if not entry.needs_data:
        assert sum(1 for _ in opened.tasks(opened.default_split)) == entry.tasks
    assert {"name", "title", "tasks", "splits", "metrics", "licence", "official_place", "needs_data"} <= set(
        entry.facts()
    )


def test_options_in_the_name_and_as_arguments():
    assert len(open_benchmark("toolworld?tools=16&seed=3").tools) == 16
    assert len(open_benchmark("toolworld?tools=16", None, tools=20).tools) == 20
    tasks = open_benchmark("bfcl?categories=multiple+parallel", FIXTURES).tasks("test")
    assert {task.labels["category"] for task in tasks} == {"multiple", "parallel"}


def test_what_is_not_there_is_said():
    with pytest.raises(UnknownName, match="did you mean toolworld"):
        open_benchmark("toolword")
    with pytest.raises(InputError, match="benchmark toolworld has no option 'size'"):
        open_benchmark("toolworld", None, size=3)
    with pytest.raises(InputError, match="cannot be read"):
        split_name("toolworld?tools")
    with pytest.raises(InputError, match="named twice"):
        split_name("toolworld?tools=16&tools=17")


class Mine:
    """A stranger's benchmark: what a comparison needs, and no more."""

    name, version, splits, default_split, metrics = "mine", "1", ("test",), "test", ("success",)

    def __init__(self, n: int, data: Path | None = None) -> None:
        self.n, self.data = n, data


def test_a_strangers_class_is_named_by_module_and_class(monkeypatch):
    monkeypatch.setitem(sys.modules, "a_stranger", sys.modules[__name__])
    opened = open_benchmark("a_stranger:Mine?n=3")
    assert (opened.n, opened.data) == (3, None)
    assert open_benchmark("a_stranger:Mine", FIXTURES, n=4).data == FIXTURES
    with pytest.raises(InputError, match=r"has no option 'm' \(options: data, n\)"):
        open_benchmark("a_stranger:Mine?m=3")
    for wrong in ("a_stranger:Yours", "nobody_at_all:Mine", ":Mine"):
        with pytest.raises(InputError, match="write module:Class"):
            open_benchmark(wrong)


def test_listing_imports_no_benchmark():
    code = (
        "import sys; from scrimp.evaluate.benchmarks.entries import BENCHMARKS;"
        "[entry.facts() for entry in BENCHMARKS.values()];"
        "print([name for name in sys.modules if name.endswith(('.toolworld', '.bfcl', '.boundary', 'pydantic'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
