"""An audit on the screen: what a person can act on, in one page of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scrimp.cli import values
from scrimp.cli.output import safe
from scrimp.cli.tables import bar, show, table

TOP = 5
"""Findings and remedies that are shown, the largest."""

HINDSIGHT = "hindsight bound"


def print_audit(document: Mapping[str, Any], *, html: bool = False) -> None:
    """The document of `scrimp audit` for people."""
    show(_headline(document), "")
    show(_cells(document, "causes", "paid for"), "")
    show(_cells(document, "components", "component"), "")
    _cache(document)
    _outcomes(document)
    _remedies(document)
    _waste(document)
    _notes(document)
    if not html and document.get("command"):
        show("", f"every step and its text: {safe(document['command'])} --html audit.html")


def _headline(document: Mapping[str, Any]) -> str:
    runs, cost = document["runs"], document["cost"]
    pieces = [f"{runs:,} run{'' if runs == 1 else 's'}", f"{values.money(cost)} in all"]
    if cost["amount"] is not None:
        pieces.append(f"{values.dollars(float(cost['amount']) / max(1, runs))} a run")
        if document.get("runs_per_month"):
            monthly = float(cost["amount"]) / max(1, runs) * document["runs_per_month"]
            pieces.append(f"{values.dollars(monthly)} a month at {document['runs_per_month']:,} runs")
    rate = document.get("success_rate")
    if rate:
        pieces.append(f"success {values.interval(rate)} of {rate['runs']} runs that say how they ended")
    passed = document.get("cost_of_pass")
    if passed and passed.get("mean") is not None:
        pieces.append(f"{values.interval(passed, of='dollars')} a success ({passed['kind']} cost-of-pass)")
    return ", ".join(pieces) + f" ({values.source(cost)})"


def _cells(document: Mapping[str, Any], key: str, header: str) -> Any:
    made = table(header, "cost", "share", "tokens", "", right=("cost", "share", "tokens"), fixed=("",))
    cells = document[key]
    unit = "cost" if document["cost"]["amount"] is not None else "tokens"
    whole = sum(_weight(cell, unit) for cell in cells.values()) or 1.0
    for name, cell in cells.items():
        if cell["calls"] or values.all_tokens(cell["tokens"]) or _weight(cell, "cost"):
            part = _weight(cell, unit) / whole
            made.add(
                name, values.money(cell["cost"]), values.share(part), values.count(values.all_tokens(cell["tokens"])),
                bar(part, 16),
            )  # fmt: skip
    return made


def _weight(cell: Mapping[str, Any], unit: str) -> float:
    if unit == "tokens":
        return float(values.all_tokens(cell["tokens"]))
    return float(cell["cost"]["amount"] or cell["cost"].get("known") or 0)


def _cache(document: Mapping[str, Any]) -> None:
    found = document["cache"]
    resent = document.get("resent_share")
    said = [] if resent is None else [f"{values.percent(resent)} of the prompt tokens had been sent before"]
    if found["hit_rate"] is not None:
        said.append(f"the cache served {values.percent(found['hit_rate'])} of those whose record tells")
    if found["possible_rate"]:
        said.append(f"it could have served {values.percent(found['possible_rate'])}")
    if found["broken_count"]:
        said.append(f"{found['broken_count']:,} prefixes broke, at {values.money(found['broken_cost'])}")
    if said:
        show("; ".join(said) + ".", "")


def _outcomes(document: Mapping[str, Any]) -> None:
    found = document.get("outcomes")
    if not found:
        return
    lost = found["cost_of_failures"]
    if lost["amount"] is not None:
        share = values.share(lost["share"] or 0)
        show(f"{lost['runs']} failed runs took {values.dollars(lost['amount'])}, {share} of the money.")
    if found["stop_rule"]:
        show(f"Early stop: {safe(found['stop_rule']['says'])}.")
    for pair in found["break_even"][:3]:
        show(safe(pair["says"]) + ".")
    whole = found.get("with_failures")
    if whole:
        per_run = values.interval(whole["per_run"], of="dollars")
        show(f"With a failure at ${whole['failure_cost']}, a run costs {per_run}.")
    show("")


def _remedies(document: Mapping[str, Any]) -> None:
    rows = [row for row in document["remedies"] if row["rank_by"] > 0][:TOP]
    if not rows:
        _in_tokens(document)
        return
    monthly = bool(document.get("runs_per_month"))
    header = "net a month" if monthly else "net"
    made = table(
        "would have saved", header, "share", "between", "label", right=(header, "share", "between"), fixed=("label",)
    )
    for row in rows:
        amount = row["per_month"] if monthly else row["rank_by"]
        between = row["per_month_interval"] if monthly else row["interval"]
        span = f"{values.dollars(between[0])} and {values.dollars(between[1])}" if between else values.MISSING
        made.add(
            f"{row['name']}: {row['how']}",
            values.dollars(amount),
            values.share(row["share"] or 0),
            span,
            row["exactness"],
        )
    show(made)
    together = document["combination"]
    if together["remedies"]:
        amount, alone = together["net"], together["sum_of_single"]
        if monthly:
            amount, alone = together["per_month"], together["sum_of_single_per_month"]
        label = together["exactness"]
        warning = "" if label == "exact" else f" {label.capitalize()}: test it before you rely on it."
        show(
            "",
            f"together ({', '.join(together['remedies'])}): {values.dollars(amount)}{' a month' if monthly else ''}, "
            f"{values.share(together['share'] or 0)} of the cost; one by one they would seem to save "
            f"{values.dollars(alone)}.{warning}",
        )


def _in_tokens(document: Mapping[str, Any]) -> None:
    """What remedies would have saved where no dollars can be told."""
    saved = [(values.all_tokens(row["saves"]["tokens"]), row) for row in document["remedies"] if row["unpriced_runs"]]
    rows = sorted((item for item in saved if item[0] > 0), key=lambda item: -item[0])[:TOP]
    if not rows:
        show("No remedy would have saved anything on these runs.")
        return
    made = table("would have saved", "tokens", "label", right=("tokens",), fixed=("label",))
    for tokens, row in rows:
        made.add(f"{row['name']}: {row['how']}", values.count(tokens), row["exactness"])
    show(made, "No dollars: nobody states a price of these models.")


def _waste(document: Mapping[str, Any]) -> None:
    rows = document["waste"][:TOP]
    if not rows:
        return
    monthly = bool(document.get("runs_per_month"))
    header = "cost a month" if monthly else "cost"
    made = table("waste found", "times", "runs", header, "see", right=("times", "runs", header), fixed=())
    for row in rows:
        first = row["evidence"][0] if row["evidence"] else None
        amount = values.dollars(row["per_month"]) if monthly else values.money(row["cost"])
        place = f"{first['run']}, {first['where']}" if first else ""
        made.add(row["title"], f"{row['count']:,}", f"{row['runs']:,}", amount, safe(place))
    show("", made)


def _notes(document: Mapping[str, Any]) -> None:
    for name, part in document["by_source"].items():
        for one in part["disagreements"][:3]:
            show(f"- {name}, {safe(one['run'])}: {safe(one['says'])}")
        if part["disagreed"] > 3:
            show(f"- {name}: {part['disagreed'] - 3} more records contradict themselves or our bill")
    if document["what_if"]:
        other = document["what_if"]
        ratio = "" if other["ratio"] is None else f", {other['ratio']:.2f} times as much"
        show(f"- the same tokens on {safe(other['model'])}: {values.money(other['cost'])}{ratio} ({other['assumes']})")
    for line in document["assumes"]:
        show(f"- {safe(line)}")
    for item in document["skipped"][:TOP]:
        show(f"- left out {safe(item['path'])}: {safe(item['why'])}")
    if len(document["skipped"]) > TOP:
        show(f"- and {len(document['skipped']) - TOP} more were left out")


def print_reconciliation(document: Mapping[str, Any]) -> None:
    """The document of `scrimp audit reconcile` for people."""
    made = table(
        "day",
        "model",
        "state",
        "invoice",
        "traces",
        "tokens",
        right=("invoice", "traces", "tokens"),
        fixed=("day", "state"),
    )
    for line in document["lines"]:
        theirs, ours = line["invoice"], line["traces"]
        difference = (line["difference"] or {}).get("tokens")
        made.add(
            line["date"] or "", safe(line["model"]), line["state"], _amount(theirs), _amount(ours),
            values.MISSING if difference is None else f"{difference:+,}",
        )  # fmt: skip
    show(made, "", safe(document["says"]) + ".")


def _amount(side: Mapping[str, Any] | None) -> str:
    return values.MISSING if side is None or side["cost"] is None else f"${float(side['cost']):,.4f}"
