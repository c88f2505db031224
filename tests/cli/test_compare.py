from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrimp.core.errors import MissingExtra

ORACLE = ("--bench", "toolworld?tools=16", "--model", "oracle?error=0.1", "--n", "4")
PAIR = ("compare", "--systems", "baseline,efficient", *ORACLE)
KEYS = {"experiment", "bench", "model", "n", "systems", "pairs", "hypervolume", "forecast", "report"}


def test_a_comparison_is_one_document_and_a_page(scrimp, tmp_path: Path) -> None:
    said = scrimp(*PAIR, "--out", "out", "--json")
    assert said.code == 0
    assert "scrimp:" not in said.err  # a slow machine says how far it is
    found = said.json
    assert set(found) >= KEYS
    control = "baseline on oracle?error=0.2"
    assert [row["name"] for row in found["systems"]] == ["baseline", "efficient", control]
    assert [row["role"] for row in found["systems"]] == ["system", "system", "control"]
    assert control in found["controls"]
    assert found["n"] == 4
    assert Path(found["report"]).read_text(encoding="utf-8").startswith("<!doctype html>".upper()[:2])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "experiment.json", "journal.sqlite", "owners", "report.html", "result.json", "trials.jsonl",
    ]  # fmt: skip
    assert found["command"].startswith("scrimp compare --systems baseline,efficient --bench 'toolworld?tools=16'")
    assert "--json" not in found["command"]


def test_calls_that_are_the_answer_are_no_steps(scrimp) -> None:
    said = scrimp("compare", "--systems", "baseline", "--bench", "bfcl?data=sample", "--model", "oracle", "--json")
    found = said.json["systems"][0]["metrics"]
    told = [name for name in found if found[name]["value"] is not None]
    assert "success_rate" in told
    assert not {"steps_to_optimum", "spl", "path_deviation", "exact_path"} & set(told)


def test_for_people(scrimp) -> None:
    said = scrimp(*PAIR, "--no-controls")
    assert said.code == 0
    assert "toolworld" in said.out.splitlines()[0]
    assert "n = 4 tasks" in said.out.splitlines()[0]
    assert "cannot tell" in said.out
    assert "controls not run" in said.out
    assert said.out.splitlines()[-1].startswith("report: ")


def test_the_report_again(scrimp, tmp_path: Path, scrimp_home: Path) -> None:
    first = scrimp(*PAIR, "--json").json
    page = Path(first["report"])
    before = page.read_bytes()
    page.unlink()
    for name in (first["experiment"], first["experiment"][:20].lower(), "last", str(page.parent)):
        assert scrimp("report", name, "--json").json == {"report": str(page)}
    assert page.read_bytes() == before
    assert scrimp("report", "last").err == f"report: {page}\n"


def test_opening_the_report(scrimp, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    page = scrimp(*PAIR, "--json").json["report"]
    scrimp("report", "last", "--open")
    assert opened == [page]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--systems", "baseline,efficent", "--bench", "toolworld"), "no system is called 'efficent'"),
        (("--systems", "baseline,baseline", "--bench", "toolworld"), "--systems names baseline twice"),
        (("--systems", " , ", "--bench", "toolworld"), "--systems names none"),
        (("--systems", "nowhere.toml", "--bench", "toolworld"), "cannot read System nowhere.toml"),
        (("--systems", "baseline", "--bench", "toolwrld"), "no benchmark is called 'toolwrld'"),
        (("--systems", "baseline", *ORACLE, "--split", "tset"), "no split of toolworld16 is called 'tset'"),
        (("--systems", "baseline", *ORACLE, "--n", "99999"), "n is 99999"),
        (("--systems", "baseline", *ORACLE, "--seeds", "2"), "baseline: at temperature 0"),
        (("--systems", "baseline", *ORACLE, "--budget", "usd=much"), "budget usd='much' is not a number"),
        (("--systems", "baseline", *ORACLE, "--prices", "nowhere.toml"), "the price list nowhere.toml cannot be read"),
        (("--systems", "baseline", *ORACLE, "--out", "file"), "--out file is a file"),
        (("--systems", "baseline", *ORACLE, "--data", "nowhere"), "--data: there is no folder nowhere"),
        (
            ("--systems", "baseline", "--bench", "toolworld", "--model", "oracle?eror=1"),
            "the oracle has no option 'eror'",
        ),
        (("--systems", "baseline", *ORACLE, "--margin", "0"), "Invalid value for '--margin'"),
    ],
)
def test_wrong_words_spend_nothing(scrimp, tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    (tmp_path / "file").write_text("x")
    said = scrimp("compare", *arguments)
    assert (said.code, said.out) == (2, "")
    (last,) = without_progress(said.err)
    assert last.startswith(f"scrimp: {line}")


def without_progress(text: str) -> list[str]:
    """The lines but those that say how long it takes, on a machine so busy that two seconds passed."""
    return [line for line in text.splitlines() if not line.startswith("comparing on ")]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere", "no experiment or folder is called 'nowhere' (scrimp compare makes one)"),
        ("last", "no experiment or folder is called 'last' (scrimp compare makes one)"),
        ("empty", "empty/result.json cannot be read: No such file or directory (name the --out of a comparison)"),
        ("text", "text/result.json is no JSON: "),
        ("list", "list/result.json holds no comparison"),
        ("odd", "the experiment's result lacks 'systems'"),
    ],
)
def test_reports_of_nothing(scrimp, tmp_path: Path, name: str, line: str) -> None:
    for folder, text in {"empty": None, "text": "{", "list": "[]", "odd": "{}"}.items():
        (tmp_path / folder).mkdir()
        if text is not None:
            (tmp_path / folder / "result.json").write_text(text)
    said = scrimp("report", name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"scrimp: {line}")
    assert scrimp("report", "odd", "--format", "card").code == 2


@pytest.fixture
def result() -> dict[str, Any]:
    """A document of a comparison, as `evaluate` returns it."""
    cost = {"amount": "0.02", "currency": "USD", "state": "priced", "prices": "reference:x"}
    tokens = {"input": 10, "cached_input": 0, "cache_write": 0, "output": 2, "reasoning": 0, "images": 0}
    cell = {"cost": cost, "tokens": tokens, "calls": 2, "busy_seconds": "1.5"}
    ledger = {"total": cell, "components": {"planning": cell}, "terms": {"generation": cell}, "harness": cell}
    row = {
        "name": "one", "n": 2, "runs": 2, "effectiveness": {"mean": 0.5, "interval": [0.1, 0.9]},
        "cost": {**cost, "mean": 0.01, "interval": None}, "cost_of_pass": None, "latency": {"mean": 1.0},
        "ledger": ledger, "on_frontier": True,
    }  # fmt: skip
    return {"experiment": "E", "bench": "b", "model": "m", "n": 2, "systems": [row], "pairs": [], "hypervolume": None,
            "forecast": None, "report": None, "folder": "", "stopped": "", "notes": []}  # fmt: skip


def finished(document: dict[str, Any], as_json: bool = True) -> int:
    import typer

    from scrimp.cli.comparison import finish

    with pytest.raises(typer.Exit) as left:
        finish(document, as_json)
    return left.value.exit_code


def test_a_comparison_that_its_budget_stopped(result, tmp_path: Path, capsys) -> None:
    result |= {"folder": str(tmp_path), "stopped": "budget usd=1 would be passed"}
    assert finished(result) == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out)["report"] == str(tmp_path / "report.html")
    assert printed.err == "scrimp: budget usd=1 would be passed\n"


def test_a_comparison_stopped_before_its_first_trial(result, tmp_path: Path, capsys) -> None:
    result |= {"folder": str(tmp_path), "stopped": "budget", "systems": []}
    assert finished(result, as_json=False) == 3
    assert "n = 2 tasks" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_result_is_printed_even_if_its_report_cannot_be_written(result, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("x")
    result["folder"] = str(tmp_path / "file")
    assert finished(result) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["experiment"] == "E"
    assert "is not a folder" in printed.err


def test_unknown_money_is_said(result, tmp_path: Path, capsys) -> None:
    unknown = {"amount": None, "currency": "USD", "state": "unknown", "known": "0.5"}
    row = result["systems"][0]
    row["cost"] = {**unknown, "mean": None, "interval": None, "reason": "a price is unknown"}
    row["ledger"]["components"] = {"planning": {**row["ledger"]["total"], "cost": unknown}}
    result["folder"] = str(tmp_path)
    finished(result, as_json=False)
    out = capsys.readouterr().out
    assert "a price is unknown" in out
    assert "unknown, at least $0.500" in out


# -- demo --------------------------------------------------------------------------------------------


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, result, tmp_path: Path) -> list[Any]:
    """The demonstration itself is evaluate's; here it only returns its document."""
    asked: list[Any] = []

    async def demo(model: str, tasks: int | None, out: Path | None, progress: Any) -> dict[str, Any]:
        from scrimp.core.money import Money
        from scrimp.evaluate.experiment import Progress

        progress(Progress(1, 2, Money.unknown(), 1.0, "one"))
        asked.append((model, tasks, out))
        return {**result, "folder": str(tmp_path)}

    monkeypatch.setattr("scrimp.evaluate.demo.demo", demo)
    return asked


def test_the_demo_fetches_its_model(scrimp, watched, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("scrimp.models.weights.importable", lambda module: True)
    monkeypatch.setattr("scrimp.cli.models.fetch", fetched.append)
    assert scrimp("demo", "--json").json["experiment"] == "E"
    assert scrimp("demo", "--model", "small", "--tasks", "3", "--out", "o").code == 0
    assert fetched == ["local", "small"]
    assert watched == [("local", None, None), ("small", 3, Path("o"))]


def test_a_stand_in_is_not_fetched(scrimp, watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrimp.cli.models.fetch", lambda name: pytest.fail(f"{name} was fetched"))
    monkeypatch.setenv("SCRIMP_MODEL", "scripted:x.json")
    assert scrimp("demo").code == 0


def test_nothing_is_fetched_without_what_runs_it(scrimp, watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrimp.models.weights.importable", lambda module: False)
    monkeypatch.setattr("scrimp.cli.models.fetch", lambda name: pytest.fail(f"{name} was fetched"))
    said = scrimp("demo")
    assert said.code == MissingExtra.exit_code
    assert said.err == "scrimp: local models need the package xllamacpp (pip install 'scrimp[local]')\n"


def test_a_dry_run_spends_nothing(scrimp, scrimp_home: Path, tmp_path: Path) -> None:
    found = scrimp(*PAIR, "--dry-run", "--budget", "usd=0.5", "--json").json
    assert (found["runs"], found["n"], found["forecast"]) == (12, 4, None)
    assert found["upper_bound"] == {"usd": "0.5", "by": "the experiment's budget",
                                    "says": "at most $0.5, by the experiment's budget"}  # fmt: skip
    assert not (scrimp_home / "experiments").exists()
    said = scrimp(*PAIR, "--dry-run").out
    assert "nothing limits its money: state --budget usd=X" in said
    assert "no forecast" in said


def test_earlier_trials_forecast_the_next(scrimp) -> None:
    scrimp(*PAIR[:-1], "25")
    more = (*PAIR[:-1], "100", "--dry-run")
    found = scrimp(*more, "--json").json["forecast"]
    assert found["from"] == "75 earlier trials"
    actual = scrimp(*PAIR[:-1], "100", "--json").json
    spent = sum(float(row["cost"]["amount"]) for row in actual["systems"])
    assert found["usd"]["low"] < spent < found["usd"]["high"]
    assert "forecast, 90 % interval" in scrimp(*more).out


def test_a_guard_fails_the_job(scrimp, tmp_path: Path) -> None:
    wordy = tmp_path / "wordy.toml"
    wordy.write_text('planner = "react"\nmodel = "oracle?error=0.1&words=60"\n', encoding="utf-8")
    base = tmp_path / "base.toml"
    base.write_text('planner = "react"\nmodel = "oracle?error=0.1"\n', encoding="utf-8")
    bench = ("--bench", "toolworld?tools=16", "--no-controls", "--n", "40")
    said = scrimp("compare", "--systems", f"{base},{wordy}", *bench, "--guard", "base", "--json")
    assert said.code == 1
    assert said.json["guard"]["passed"] is False
    scrimp("compare", "--systems", str(base), *bench, "--out", "earlier")
    said = scrimp("compare", "--systems", str(base), *bench, "--guard", "earlier", "--json")
    assert (said.code, said.json["guard"]["passed"]) == (0, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--guard", "nobody"), "neither a System of this comparison nor a folder"),
        (("--workers", "cluster"), "local, local:4, ray or ray:8"),
        (("--at-cost", "steps=3"), "levels are matched in usd, tokens, seconds"),
        (("--at-quality", "70"), "not between 0 and 1"),
    ],
)
def test_a_wrong_option_is_one_line_before_anything_is_spent(scrimp, given, said: str, scrimp_home: Path) -> None:
    found = scrimp(*PAIR, *given)
    assert found.code == 2
    (last,) = without_progress(found.err)
    assert said in last
    assert not (scrimp_home / "experiments").exists()


def test_a_specification_says_the_same_as_options(scrimp, tmp_path: Path) -> None:
    spec = tmp_path / "experiment.toml"
    spec.write_text(
        'bench = "toolworld?tools=16"\nmodel = "oracle?error=0.1"\nn = 9\nsystems = ["baseline", "efficient"]\n'
        'levels = [{usd = "0.0004"}]\n[[system]]\nname = "short"\nplanner = {name = "react", max_steps = 2}\n',
        encoding="utf-8",
    )
    found = scrimp(
        "compare", "--spec", str(spec), "--n", "4", "--at-cost", "tokens=3000", "--no-controls", "--json"
    ).json
    assert [row["name"] for row in found["systems"]] == ["baseline", "efficient", "short"]
    assert found["n"] == 4
    assert [level["budget"] for level in found["levels"]] == [{"usd": "0.0004"}, {"tokens": 3000}]
    assert found["at_cost"]["best"] in ("baseline", "efficient", "short")
    spec.write_text('bench = "toolworld"\nsytems = ["baseline"]\n', encoding="utf-8")
    wrong = scrimp("compare", "--spec", str(spec))
    assert wrong.code == 2
    assert "'sytems'" in wrong.err
    assert "systems" in wrong.err


def test_tables_are_listed_and_repeated(scrimp) -> None:
    assert {row["name"] for row in scrimp("reproduce", "--json").json} == {"bfcl", "toolworld"}
    said = scrimp("reproduce", "toolworld", "--n", "4", "--json")
    assert said.code == 0
    assert said.json["n"] == 4
    assert "no forecast" in said.err
    assert "no table" in scrimp("reproduce", "toolwrld").err


def test_trials_as_parquet(scrimp, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra analytics is not installed")
    scrimp(*PAIR, "--no-controls", "--out", "out")
    made = scrimp("report", "out", "--format", "parquet", "--json").json["parquet"]
    rows = duckdb.sql(f"SELECT system, task, success, ledger.total.cost.amount FROM '{made}'").fetchall()
    assert len(rows) == 8
    assert {row[0] for row in rows} == {"baseline", "efficient"}
    assert scrimp("report", str(tmp_path), "--format", "parquet").code == 2
