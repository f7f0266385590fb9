"""The commands that work on a selection: translate it, or plan what translating it would take."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Self

from ketl.cli.progress import Progress
from ketl.errors import AuthenticationError, SettingsError
from ketl.formats.catalog_files import DEFAULT_CATALOG
from ketl.formats.registry import find_export
from ketl.formats.writing import check_writable, write_rows
from ketl.memory.memory import Memory
from ketl.planning.plan import RunPlan
from ketl.provider.tiers import load_tier
from ketl.results.baseline import BaselineKind
from ketl.results.rows import ResultRow
from ketl.runs.connection import Connection, open_connection, plan_lanes
from ketl.runs.drive import EarlierPart, drive, take_over
from ketl.runs.durations import parse_length
from ketl.runs.job import Job, Mode
from ketl.runs.preparation import Preparation
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import select
from ketl.settings import Settings, load_settings
from ketl.store.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `translate` and `plan` to the parser."""
    translate = commands.add_parser("translate", help="translate products and write a file")
    _add_selection(translate)
    translate.add_argument("--mode", choices=[m.value for m in Mode], default="parallel")
    translate.add_argument("--baseline", choices=[b.value for b in BaselineKind], default=None)
    translate.add_argument("--out", metavar="PATH", help="result file; its ending is its format")
    translate.add_argument("--layout", default="long", metavar="long|wide|shopify", help="columns of the file")
    translate.add_argument("--report", metavar="PATH", help="write the report there, as JSON")
    translate.add_argument("--resume", metavar="RUN", help="finish an interrupted run, sending only what is missing")
    translate.set_defaults(run=_translate)
    plan = commands.add_parser("plan", help="say what a run would take; sends nothing")
    _add_selection(plan)
    plan.add_argument("--json", action="store_true", help="as JSON on standard output")
    plan.set_defaults(run=_plan)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--catalog", metavar="PATH", help="product file (.json, .jsonl); default: the KETL Mtn. catalogue"
    )
    parser.add_argument("--product", action="append", default=[], metavar="ID", help="product id; may be repeated")
    parser.add_argument(
        "--language", action="append", default=[], metavar="NAME|TAG", help="target; “all” for every one"
    )
    parser.add_argument("--field", action="append", default=[], metavar="NAME", help="field; may be repeated")
    parser.add_argument("--pack", default="auto", metavar="auto|N", help="texts per request")
    parser.add_argument(
        "--plan", default="auto", metavar="auto|free|developer|unlimited|PATH", help="the provider's limits"
    )
    parser.add_argument("--no-memory", action="store_true", help="do not reuse earlier translations")
    parser.add_argument("--glossary", metavar="PATH|none", help="glossary file; default: the KETL Mtn. glossary")
    parser.add_argument("--max-cost", metavar="USD", help="stop before this many dollars are spent")
    parser.add_argument("--deadline", metavar="TIME", help="finish within this time, for example 90s or 3m")
    parser.add_argument(
        "--route", action="append", default=[], metavar="WHO=MODEL", help="model for a group or language"
    )
    parser.add_argument("--profile", metavar="NAME", help="field lengths: google-merchant, amazon, ebay, shopify")


def _job(options: argparse.Namespace) -> Job:
    mode = Mode(getattr(options, "mode", "parallel"))
    baseline = getattr(options, "baseline", None)
    # A comparison that was not told how gets the honest one.
    kind = (
        BaselineKind(baseline)
        if baseline
        else BaselineKind.MEASURED
        if mode is Mode.COMPARE
        else BaselineKind.PROJECTED
    )
    return Job(
        catalog=options.catalog,
        products=tuple(options.product),
        languages=tuple(options.language),
        fields=tuple(options.field),
        mode=mode,
        baseline=kind,
        pack=_pack(options.pack),
        plan=options.plan,
        memory=not options.no_memory,
        glossary=options.glossary,
        profile=options.profile,
        deadline_s=parse_length(options.deadline) if options.deadline else None,
        max_cost_usd=_dollars(options.max_cost),
        routes=_routes(options.route),
    )


def _pack(word: str) -> int | None:
    if word.strip().casefold() == "auto":
        return None
    if not word.strip().isdecimal() or int(word) < 1:
        raise SettingsError(f"--pack takes auto or a number from 1 up, not “{word}”.")
    return int(word)


def _dollars(word: str | None) -> float | None:
    if word is None:
        return None
    try:
        amount = float(word.strip().lstrip("$"))
    except ValueError:
        amount = -1.0
    if not 0.0 < amount < 1e9:
        raise SettingsError(f"--max-cost takes an amount in US dollars above zero, not “{word}”.")
    return amount


def _routes(words: list[str]) -> dict[str, str]:
    routes: dict[str, str] = {}
    for word in words:
        who, sign, model = word.partition("=")
        if not (who.strip() and sign and model.strip()):
            raise SettingsError(
                f"--route takes a group or language and a model, as in asian=qwen/qwen3.8-27b, not “{word}”."
            )
        routes[who.strip()] = model.strip()
    return routes


def _translate(options: argparse.Namespace) -> int:
    # What is loaded now lives to the end; without this every full collection walks it all again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if options.out:
        check_writable(options.out, options.layout)
    if options.report:
        _check_report(options.report)
    settings = load_settings()
    with Store(settings.database_url) as store, _RowFile(options.out, options.layout) as file:
        job, earlier = (None, take_over(store, options.resume)) if options.resume else (_job(options), None)
        job = earlier.job if earlier is not None else job
        assert job is not None
        _refuse_overwriting(options, job)
        result, interrupted = asyncio.run(_run(job, settings, store, earlier, file))
        if isinstance(result.stopped, AuthenticationError) and not result.report["translated"]:
            # Some gateways list their models to anyone and look at the key only now: still nothing was done.
            raise result.stopped
        if options.report:
            _write_report(options.report, result.report)
        written = _is_written(result)
        if written and not options.out:
            file.print()
    _sum_up(result, options.out if written else None)
    if interrupted:
        return 130
    if not written:
        return 1
    return 1 if result.report["failed"] or result.report["cancelled"] else 0


def _refuse_overwriting(options: argparse.Namespace, job: Job) -> None:
    """Raise SettingsError when a file to write is one that is read, or both files to write are the same."""
    taken = {
        Path(read).expanduser().resolve(): f"the {what} that is read"
        for what, read in (
            ("catalogue", job.catalog or DEFAULT_CATALOG),
            ("glossary", job.glossary),
            ("plan", job.plan),
        )
        if read
    }
    for option, path in (("--out", options.out), ("--report", options.report)):
        if path:
            place = Path(path).expanduser().resolve()
            if place in taken:
                raise SettingsError(f"{option} {path} is {taken[place]}. Choose another file.")
            taken[place] = f"the file of {option}"


async def _run(
    job: Job, settings: Settings, store: Store, earlier: EarlierPart | None, file: _RowFile
) -> tuple[RunResult, bool]:
    progress = Progress(settings.engine)
    plan = load_tier(job.plan)
    loop = asyncio.get_running_loop()
    interrupted = False

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        async with await open_connection(settings, plan, store) as connection:
            yield connection

    def began(run: Run) -> None:
        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            run.cancel("You interrupted the run; what was done is kept.")

        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, interrupt)

    try:
        result = await drive(job, connect, store, earlier=earlier, watch=progress.take, write=file.write, began=began)
    finally:
        progress.close()
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(name)
    return result, interrupted


class _RowFile:
    """Where the rows go: the file of --out, or standard output, which must wait until it is known what comes first."""

    def __init__(self, path: str | None, layout: str) -> None:
        self._path = path
        self._layout = layout
        self._spool: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool is not None:
            self._spool.close()

    def write(self, rows: Iterable[ResultRow]) -> None:
        """Write the rows; what was written before is replaced."""
        if self._path:
            write_rows(rows, self._path, layout=self._layout)
            return
        if self._spool is not None:
            self._spool.close()
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        find_export("standard-output.csv", self._layout).write(rows, self._spool)

    def print(self) -> None:
        """Put what was written on standard output."""
        assert self._spool is not None
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _is_written(result: RunResult) -> bool:
    """Tell whether the rows were written; a disk that filled up meanwhile costs the file, not the translations."""
    if result.unwritten is None:
        return True
    print(
        f"{result.unwritten} The translations are kept: python -m ketl translate --resume {result.run_id} "
        "--out OTHER-FILE",
        file=sys.stderr,
    )
    return False


def _check_report(path: str) -> None:
    folder = Path(path).expanduser().resolve().parent
    if Path(path).is_dir():
        raise SettingsError(f"{path} is a folder. Name a file for the report.")
    if not folder.is_dir():
        raise SettingsError(f"The folder {folder} does not exist. Create it, or write the report elsewhere.")
    try:
        # A draft beside it tells whether it can be written, and leaves nothing behind if the run is refused.
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        if Path(path).exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "it is write-protected")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}). Write the report elsewhere.") from error


def _write_report(path: str, report: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"The report could not be written to {path} ({error.strerror}).", file=sys.stderr)


def _sum_up(result: RunResult, out: str | None) -> None:
    report = result.report
    baseline = report["baseline"]
    said = f"{report['translated']} translated, {report['failed']} failed, {report['cancelled']} cancelled"
    faster = report["speedup"]
    if report["from_memory"]:
        said += f" ({report['from_memory']} from memory)"
    said += f" in {report['makespan_s']:.2f} s with {report['requests']} requests"
    if faster and report["mode"] != "sequential":
        said += f"; one after another: {baseline['seconds']:.2f} s ({baseline['kind']})"
        said += f", {faster:.1f} times faster" if faster >= 1.05 else ", no faster"
    print(said + ("." if not out else f". Written to {out}."), file=sys.stderr)
    if report["engine"] == "demo":
        print(
            "Demo: these texts come from the local demo server. Set GROQ_API_KEY for real translations.",
            file=sys.stderr,
        )
    if result.reason:
        print(result.reason, file=sys.stderr)
    for reason in sorted(result.counts.reasons)[:5]:
        print(f"Failed: {reason}", file=sys.stderr)
    if report["cancelled"] and report["run_id"]:
        print(f"Finish it with: python -m ketl translate --resume {report['run_id']}", file=sys.stderr)


def _plan(options: argparse.Namespace) -> int:
    job = _job(options)
    plan = load_tier(job.plan)
    selection = select(job)
    settings = load_settings()
    listed, lanes = plan_lanes(settings.engine, plan)
    with Store(settings.database_url) as store:
        memory = Memory(store, settings.engine) if job.uses_memory else None
        prepared = Preparation(selection, memory)
        prepared.look_ahead()
        made = prepared.plan(listed, lanes, now=0.0)
    shown = plan_to_json(made, settings.engine)
    if options.json:
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _print_plan(made, settings.engine)
    return 0


def plan_to_json(plan: RunPlan, engine: str) -> dict[str, Any]:
    """Return a plan as JSON values; seconds, tokens and dollars as the keys say, None for unknown."""
    return {
        "engine": engine,
        "products": plan.products,
        "languages": len(plan.languages),
        "language_names": [x.name for x in plan.languages],
        "units": plan.units,
        "segments": plan.segments,
        "duplicates_avoided": plan.units - plan.segments,
        "from_memory": plan.from_memory,
        "requests": plan.requests,
        "tokens": {"prompt": plan.prompt_tokens, "completion": plan.completion_tokens},
        "cost_usd": list(plan.cost_usd) if plan.cost_usd else None,
        "predicted_s": round(plan.predicted_s, 3),
        "bound_s": round(plan.bound_s, 3),
        "sequential_s": round(plan.sequential_s, 3),
        "pack": dict(plan.pack_sizes),
        "limit": plan.limit_note,
        "routes": {group: {"models": list(r.chain), "reason": r.reason} for group, r in plan.routes.items()},
        "notes": list(plan.notes),
    }


def _print_plan(plan: RunPlan, engine: str) -> None:
    cost = f"${plan.cost_usd[0]:.4f} to ${plan.cost_usd[1]:.4f}" if plan.cost_usd else "unknown for these models"
    for name, value in (
        ("Engine", "Demo (local server)" if engine == "demo" else "Groq"),
        ("Products", f"{plan.products:,}"),
        ("Languages", f"{len(plan.languages)}"),
        ("Texts to translate (units)", f"{plan.units:,}"),
        ("Different ones (segments)", f"{plan.segments:,}"),
        ("From memory", f"{plan.from_memory:,}"),
        ("Requests", f"{plan.requests:,}"),
        ("Tokens, prompt + completion", f"{plan.prompt_tokens:,} + {plan.completion_tokens:,}"),
        ("Cost", cost),
        ("Predicted time", f"{plan.predicted_s:,.1f} s"),
        ("Shortest possible (bound)", f"{plan.bound_s:,.1f} s"),
        ("One after another", f"{plan.sequential_s:,.1f} s"),
    ):
        print(f"{name + ':':32}{value}")
    print(plan.limit_note)
    for note in plan.notes:
        print(note)
