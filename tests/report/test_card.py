"""The efficiency card fulfils its published schema."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scrimp.core.errors import InputError, UnknownName
from scrimp.evaluate.experiment import compare
from scrimp.report.card import card, schema


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRIMP_HOME", str(tmp_path_factory.mktemp("home")))
        out = tmp_path_factory.mktemp("out")
        compare(["baseline", "efficient"], "toolworld?tools=16", model="oracle?error=0.2", n=24, controls=True, out=out)
        found: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
        return found


def test_the_schema_is_one_and_the_card_fulfils_it(result: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    made = card(result)
    jsonschema.validate(made, schema(), cls=jsonschema.Draft202012Validator)
    assert [row["role"] for row in made["systems"]] == ["system", "system", "control"]


def test_partitions_sum_to_the_whole(result: dict[str, Any]) -> None:
    for row in card(result)["systems"]:
        for name in ("components", "terms"):
            assert sum(cell["cost"] for cell in row[name].values()) == pytest.approx(row["cost_per_run"]["mean"])


def test_one_system_alone(result: dict[str, Any]) -> None:
    assert [row["name"] for row in card(result, "efficient")["systems"]] == ["efficient"]
    with pytest.raises(UnknownName):
        card(result, "eficient")


def test_a_card_that_lacks_what_counts_is_refused_by_the_schema(result: dict[str, Any]) -> None:
    for key in ("journal", "prices", "controls"):
        made = copy.deepcopy(card(result))
        del made[key]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(made, schema(), cls=jsonschema.Draft202012Validator)


def test_an_older_result_is_one_clear_line(result: dict[str, Any]) -> None:
    older = {key: value for key, value in result.items() if key != "journal"}
    with pytest.raises(InputError, match="lacks 'journal'"):
        card(older)


def test_the_published_schema_stands_beside_its_page() -> None:
    from source_tree import ROOT

    page = (ROOT / "docs" / "card.md").read_text(encoding="utf-8")
    fields = schema()["properties"]
    assert all(f"`{name}`" in page for name in (*fields, *fields["systems"]["items"]["properties"]))
    assert Path(ROOT / "src/scrimp/report/card.schema.json").is_file()
