"""The audit: files in, one document out. Each file becomes sums, and sums add up, so memory does not grow with runs.

    files -> reading -> Trace -> measure -> Run -> attribution, caching, latency, waste, outcomes, savings -> document

Files are worked on in several processes where that pays; the result does not depend on how many. Remedies are
simulated on all runs, or where there is much to read on a sample of them, drawn by the runs' names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from scrimp.audit.attribution import Attribution
from scrimp.audit.combination import RUNS, Combination, combine
from scrimp.audit.measure import Book, Run, measure
from scrimp.audit.names import model_name
from scrimp.audit.part import Options, Part
from scrimp.audit.reading import GZIP, Skipped, files, read
from scrimp.audit.sampling import drawn, from_files
from scrimp.audit.schemas import load_schemas, with_schemas
from scrimp.core.errors import InputError
from scrimp.core.money import Money
from scrimp.core.version import VERSION
from scrimp.models.prices import DEFAULT, load

WORTH_WORKERS = 16 << 20
"""Bytes below which one process reads everything: starting others takes longer."""

UNPACKED = 8
"""About how many times larger a gzip file is once it is read."""


@dataclass
class Audit:
    """What all files came to."""

    options: Options
    book: Book
    parts: dict[str, Part] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    share: float = 1.0
    combination: Combination = field(default_factory=Combination)

    @property
    def whole(self) -> Part:
        """All sources together."""
        whole = Part(Attribution(self.book))
        for part in self.parts.values():
            whole.merge(part)
        return whole

    def take(self, found: FileResult) -> None:
        """Add what one file came to."""
        self.files += bool(found.parts)
        self.skipped += found.skipped
        for source, part in found.parts.items():
            if source in self.parts:
                self.parts[source].merge(part)
            else:
                self.parts[source] = part

    def to_json(self) -> dict[str, Any]:
        """The document of `scrimp audit --json`."""
        options, whole = self.options, self.whole
        runs = whole.attribution.runs
        scale = Decimal(options.runs_per_month) / runs if options.runs_per_month and runs else None
        document = whole.to_json(options)
        cost = whole.attribution.ledger.total.cost
        return {
            **document,
            "by_source": {name: part.to_json(options) for name, part in sorted(self.parts.items())},
            "skipped": [item.to_json() for item in self.skipped],
            "waste": whole.waste.to_json(scale, show_secrets=options.show_secrets),
            **whole.savings.to_json(cost, self.share, scale),
            "combination": self.combination.to_json(cost.amount, scale),
            "what_if": _what_if(options.model, whole, cost),
            "assumes": [*_assumes(whole, self.share, runs), *whole.notes],
            "prices": self.book.prices.label,
            "runs_per_month": options.runs_per_month,
            "files": self.files,
            "version": VERSION,
        }


@dataclass
class FileResult:
    """What one file came to; `skipped` holds the reason where that is nothing."""

    path: Path
    parts: dict[str, Part] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


Progress = Callable[[int, int, int], None]
"""Told after each file: bytes done, bytes in all, runs so far."""


def audit_paths(paths: Sequence[str | Path], options: Options | None = None, progress: Progress | None = None) -> Audit:
    """Audit files and the files of folders.

    Raises:
        InputError: an option is wrong, or not one of the paths exists. A file that cannot be read is in `skipped`; if
            it was named itself, in `failed` too.
    """
    asked = options or Options()
    named = [Path(path) for path in paths]
    found = list(files(named))
    book = open_book(asked.prices, asked.default_model, asked.tools)
    if asked.model and book.rates(asked.model) is None:
        raise InputError(
            f"no price is known of {asked.model!r}", remedy="name it as openai:gpt-4o, or give --prices FILE"
        )
    sizes = [_size(path) for path in found]
    total = sum(sizes)
    audit = Audit(asked, book, share=min(1.0, asked.sample * 1e6 / total) if total else 1.0, bytes=total)
    done, counts = 0, list[int]()
    for path, size, result in zip(found, sizes, _results(found, asked, audit.share, total), strict=True):
        audit.take(result)
        if not result.parts and path in named:
            audit.failed += result.skipped[-1:]
        done += size
        counts.append(sum(part.attribution.runs for part in result.parts.values()))
        if progress is not None:
            progress(done, total, sum(counts))
    audit.combination = combine(_sample(found, asked, counts), audit.whole.savings.shares())
    return audit


def _sample(found: Sequence[Path], options: Options, counts: Sequence[int]) -> list[Run]:
    """The runs that combinations are tried on: all of them, or some of some files."""
    kept: list[Run] = []
    book = open_book(options.prices, options.default_model, options.tools)
    for at, share in from_files(counts, RUNS).items():
        with suppress(Exception):  # what cannot be read was told in the first pass
            traces = with_schemas(read(found[at], options.format, []), book.tools)
            kept += [measure(trace, book) for trace in traces if drawn(trace, share)]
    return kept[:RUNS]


def runs_of(paths: Iterable[str | Path], options: Options | None = None) -> Iterator[Run]:
    """The measured runs of files and folders, one by one; what cannot be read is left out."""
    asked = options or Options()
    for path in files(map(Path, paths)):
        with suppress(InputError):
            yield from _runs(path, asked, [])


def audit_file(path: Path, options: Options, share: float) -> FileResult:
    """Audit one file; whatever is wrong with it becomes one line.

    Args:
        share: of the runs, on which remedies are simulated.
    """
    result = FileResult(path)
    try:
        for run in _runs(path, options, result.skipped):
            part = result.parts.get(run.trace.source)
            if part is None:
                part = result.parts[run.trace.source] = Part(Attribution(run.book))
            part.add(run, model_name(options.model) if options.model else "", drawn(run.trace, share))
    except InputError as error:
        result.skipped.append(Skipped(str(path), str(error)))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file does to a reader, the others are audited
        result.skipped.append(Skipped(str(path), f"its form is not as expected ({type(error).__name__})"))
    return result


@lru_cache(maxsize=8)
def open_book(prices: str | None = None, default_model: str = "", tools: str | None = None) -> Book:
    """By what an audit counts and prices; opened once in each process."""
    schemas = load_schemas(Path(tools)) if tools else {}
    return Book(load(prices or DEFAULT), model_name(default_model), schemas, (prices, default_model, tools))


def _runs(path: Path, options: Options, skipped: list[Skipped]) -> Iterator[Run]:
    book = open_book(options.prices, options.default_model, options.tools)
    for trace in with_schemas(read(path, options.format, skipped), book.tools):
        yield measure(trace, book)


def _results(found: Sequence[Path], options: Options, share: float, total: int) -> Iterator[FileResult]:
    """What each file came to, in their order."""
    workers = min(options.workers or os.cpu_count() or 1, len(found))
    if workers < 2 or (total < WORTH_WORKERS and not options.workers):
        for path in found:
            yield audit_file(path, options, share)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # Few at a time: results wait in their order, and they are what takes memory.
        waiting = [pool.submit(audit_file, path, options, share) for path in found[: 4 * workers]]
        for at in range(len(found)):
            following = at + 4 * workers
            if following < len(found):
                waiting.append(pool.submit(audit_file, found[following], options, share))
            yield waiting[at].result()
            waiting[at] = None  # type: ignore[call-overload]


def _size(path: Path) -> int:
    """About how many bytes a file has once it is read; 0 where it is not there."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        return path.stat().st_size * (UNPACKED if packed else 1)
    except OSError:
        return 0


def _what_if(model: str, whole: Part, cost: Money) -> dict[str, Any] | None:
    """The same tokens at another model's rates."""
    if not model:
        return None
    there = whole.elsewhere
    ratio = float(there.amount / cost.amount) if there.amount is not None and cost.amount else None
    return {
        "model": model_name(model),
        "cost": there.to_json(),
        "ratio": ratio,
        "assumes": "the same tokens, cached as recorded; another tokenizer counts up to 14 % otherwise, and what the "
        "model would do otherwise is not known",
        "exactness": "behavioural",
    }


def _assumes(whole: Part, share: float, runs: int) -> Iterator[str]:
    """What the figures rest on, one sentence each."""
    sums = whole.attribution
    total = sums.ledger.total.tokens.total
    if sums.estimated and total:
        yield (
            f"{100 * sums.estimated / total:.0f} % of the tokens are estimated from the text (each up to 14 % off); "
            "intervals are widened by it"
        )
    told = whole.caching
    if told.told_prompt < told.prompt:
        yield "where the record does not say what the prompt cache served, nothing is taken to have been served"
    if sums.unpriced_tools:
        names = ", ".join(list(sums.unpriced_tools)[:5])
        yield f"tool calls without a stated price are counted, not priced ({names}); --prices FILE can state them"
    if "" in sums.models or any(cell.cost.amount is None for cell in sums.models.values()):
        yield "some models have no known price, so their cost is unknown: --default-model or --prices can state it"
    if share < 1:
        yield f"remedies were simulated on {100 * share:.2g} % of {runs:,} runs, drawn at random; intervals hold that"
