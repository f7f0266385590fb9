"""The commands that work on a selection: translate it, or plan what translating it would take."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from ketl.cli.program import program
from ketl.cli.progress import Progress
from ketl.errors import AuthenticationError, SettingsError
from ketl.formats.catalog_files import DEFAULT_CATALOG
from ketl.formats.registry import find_export
from ketl.formats.writing import check_writable, write_rows
from ketl.memory.memory import Memory
from ketl.planning.plan import Goals, RunPlan, make_plan
from ketl.planning.routing import choose_routes
from ketl.provider.tiers import load_plan
from ketl.results.baseline import BaselineKind
from ketl.results.outcome import Outcome
from ketl.runs.connection import open_session, plan_lanes
from ketl.runs.durations import parse_length
from ketl.runs.feed import count_remembered
from ketl.runs.job import Job, Mode, job_from_json
from ketl.runs.run import Run, RunResult
from ketl.runs.selection import select
from ketl.settings import load_settings
from ketl.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `translate` and `plan` to the parser."""
    translate = commands.add_parser(
        "translate",
        help="translate products and write a file",
        epilog=f"Example: {program()} translate --product 1 --language Spanish --language ja --out two.csv",
    )
    _add_selection(translate)
    translate.add_argument(
        "--mode",
        choices=[m.value for m in Mode],
        default="parallel",
        help="many requests at once (default), one after another, or both for comparison",
    )
    translate.add_argument(
        "--baseline",
        choices=[b.value for b in BaselineKind],
        default=None,
        help="how the time one after another is known: worked out from this run (projected, default), from a "
        "sample sent so, or measured by sending all so (default with --mode compare)",
    )
    translate.add_argument("--out", metavar="PATH", help="result file; its ending is its format")
    translate.add_argument(
        "--layout", default="long", metavar="long|wide", help="a row per text, or a column per language"
    )
    translate.add_argument("--report", metavar="PATH", help="write the report there, as JSON")
    translate.add_argument("--resume", metavar="RUN", help="finish an interrupted run, sending only what is missing")
    translate.set_defaults(run=_translate)
    plan = commands.add_parser(
        "plan",
        help="say what a run would take; sends nothing",
        epilog=f"Example: {program()} plan --language all --deadline 3m",
    )
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
    with Store(load_settings().database_url) as store:
        before: dict[tuple[bytes, str], Outcome] = {}
        run_id = None
        if options.resume:
            record = store.resume_run(options.resume)
            job = job_from_json(record.spec)
            run_id = record.run_id
            before = {(o.key, o.language_tag): o for o in store.outcomes(run_id) if o.text or o.status == "translated"}
        else:
            job = _job(options)
        _refuse_overwriting(options, job)
        result, interrupted = asyncio.run(_run(job, store, run_id, before))
    if isinstance(result.stopped, AuthenticationError) and not result.report["translated"]:
        # Some gateways list their models to anyone and look at the key only now: still nothing was done.
        raise result.stopped
    if options.report:
        _write_report(options.report, result.report)
    written = _write_rows(result, options)
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
    job: Job, store: Store, run_id: str | None, before: dict[tuple[bytes, str], Outcome]
) -> tuple[RunResult, bool]:
    selection = select(job)
    plan = load_plan(job.plan)
    interrupted = False
    async with await open_session(load_settings(), plan, store) as session:
        progress = Progress(selection, session.engine)
        run = Run(selection, session, store, progress.take, done_before=before)
        if run_id is not None:
            run.run_id = run_id
        await run.look_into_memory()
        progress.start(run.plan())

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            run.cancel("You interrupted the run; what was done is kept.")

        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(name, interrupt)
        try:
            result = await run.execute()
        finally:
            progress.close()
            for name in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.remove_signal_handler(name)
    return result, interrupted


def _write_rows(result: RunResult, options: argparse.Namespace) -> bool:
    """Write the result file; a disk that filled up meanwhile costs the file, not the translations."""
    if not options.out:
        export = find_export("standard-output.csv", options.layout)
        export.write(result.rows(), sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return True
    try:
        write_rows(result.rows(), options.out, layout=options.layout)
    except SettingsError as error:
        print(
            f"{error} The translations are kept: python -m ketl translate --resume {result.run_id} --out OTHER-FILE",
            file=sys.stderr,
        )
        return False
    return True


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
    reasons = {row.reason for row in result.rows() if row.status == "failed"} if report["failed"] else set()
    for reason in sorted(reasons)[:5]:
        print(f"Failed: {reason}", file=sys.stderr)
    if report["cancelled"] and report["run_id"]:
        print(f"Finish it with: python -m ketl translate --resume {report['run_id']}", file=sys.stderr)


def _plan(options: argparse.Namespace) -> int:
    job = _job(options)
    plan = load_plan(job.plan)
    selection = select(job)
    settings = load_settings()
    listed, lanes = plan_lanes(settings.engine, plan)
    known = 0
    if job.uses_memory:
        with Store(settings.database_url) as store:
            known = count_remembered(selection, Memory(store, settings.engine))
    made = make_plan(
        selection.census,
        selection.languages,
        choose_routes(selection.languages, listed, job.routes),
        lanes,
        0.0,
        pack=job.pack,
        goals=Goals(deadline_s=job.deadline_s, max_cost_usd=job.max_cost_usd),
        from_memory=known,
    )
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
