"""The command that translates a selection and writes a file."""

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
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ketl import checks
from ketl._figures import counted, duration
from ketl.cli.job_options import add_selection, job_of
from ketl.cli.program import program
from ketl.cli.progress import Progress
from ketl.cli.resuming import refuse_beside_resume
from ketl.cli.row_file import RowFile
from ketl.cli.statuses import ExitStatus
from ketl.errors import AuthenticationError, SettingsError
from ketl.formats.catalog_files import DEFAULT_CATALOG
from ketl.formats.writing import check_writable
from ketl.provider.tiers import load_tier
from ketl.results.baseline import BaselineKind
from ketl.results.report import given_up_words, untold_words
from ketl.results.rows import UnitCounts
from ketl.runs.connection import Connection, open_connection
from ketl.runs.drive import EarlierPart, drive, take_over
from ketl.runs.job import Job, Mode
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.settings import Settings, load_settings
from ketl.store.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `translate` to the parser."""
    translate = commands.add_parser(
        "translate",
        help="translate products and write a file",
        epilog=f"Example: {program()} translate --product 1 --language Spanish --language ja --out two.csv",
    )
    add_selection(translate)
    translate.add_argument(
        "--mode",
        choices=[m.value for m in Mode],
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


def _translate(options: argparse.Namespace) -> int:
    # What is loaded now lives to the end; without this every full collection walks it all again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    refuse_beside_resume(options)
    if options.out:
        check_writable(options.out, options.layout)
    if options.report:
        _check_report(options.report)
    settings = load_settings()
    with Store(settings.database_url) as store, RowFile(options.out, options.layout) as file:
        earlier = take_over(store, options.resume) if options.resume else None
        job = earlier.job if earlier is not None else job_of(options)
        _refuse_overwriting(options, job)
        result, interrupted = asyncio.run(_run(job, settings, store, earlier, file, options.began_at))
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
        return ExitStatus.INTERRUPTED
    if not written or result.unsaved or result.counts.wrong:
        return ExitStatus.SOME_FAILED
    if result.report["failed"] or result.report["cancelled"]:
        return ExitStatus.SOME_FAILED
    return ExitStatus.OK


def _refuse_overwriting(options: argparse.Namespace, job: Job) -> None:
    """Raise SettingsError when a file to write is one that is read, or both files to write are the same."""
    taken = {
        Path(read).expanduser().resolve(): f"the {what} that is read"
        for what, read in (
            ("catalogue", None if job.upload else job.catalog or DEFAULT_CATALOG),
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
    job: Job, settings: Settings, store: Store, earlier: EarlierPart | None, file: RowFile, began_at: float
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
        result = await drive(
            job,
            connect,
            store,
            earlier=earlier,
            watch=progress.take,
            write=file.write,
            began=began,
            before_s=time.monotonic() - began_at,
        )
    finally:
        progress.close()
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(name)
    return result, interrupted


def _is_written(result: RunResult) -> bool:
    """Tell whether the rows were written; a disk that filled up meanwhile costs the file, not the translations."""
    if result.unwritten is None:
        return True
    print(
        f"{result.unwritten} To write them elsewhere: {program()} translate --resume {result.run_id} --out OTHER-FILE",
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


def _doubts(counts: UnitCounts) -> str:
    """Return, in brackets, how many of the translated carry an error, and the most frequent one in words."""
    if not counts.wrong:
        return ""
    ident, number = counts.errors.most_common(1)[0]
    said = checks.REGISTRY[ident].label if ident in checks.REGISTRY else ident
    return f" ({counts.wrong} of them doubted: {number} {said[:1].lower()}{said[1:].rstrip('.')})"


def _tell_money(report: dict[str, Any]) -> None:
    for said in (given_up_words(report), untold_words(report)):
        if said:
            print(said, file=sys.stderr)


def _sum_up(result: RunResult, out: str | None) -> None:
    report = result.report
    baseline = report["baseline"]
    said = f"{report['translated']} translated{_doubts(result.counts)}"
    said += f", {report['failed']} failed, {report['cancelled']} cancelled"
    faster = report["speedup"]
    known = [
        f"{number} {word}"
        for number, word in (
            (report["from_memory"], "from memory"),
            (report["done_before"], "before the run was resumed"),
        )
        if number
    ]
    if known:
        said += f" ({', '.join(known)})"
    said += f" in {duration(report['makespan_s'])} with {counted(report['requests'], 'request')}"
    if duration(report["total_s"]) != duration(report["makespan_s"]):
        said += f" ({duration(report['total_s'])} from start to file)"
    if faster and report["mode"] != "sequential":
        said += f"; one after another: {duration(baseline['seconds'])} ({baseline['kind']})"
        said += f", {faster:.1f} times faster" if faster >= 1.05 else ", no faster"
    elif baseline["seconds"] is None and report["requests"] > 1:
        said += "; how long it takes one after another, these answers do not show (--mode compare measures it)"
    print(said + ("." if not out else f". Written to {out}."), file=sys.stderr)
    _tell_money(report)
    if report["engine"] == "demo":
        print(
            "Demo: these texts come from the local demo server. Set GROQ_API_KEY for real translations.",
            file=sys.stderr,
        )
    if result.reason:
        print(result.reason, file=sys.stderr)
    if result.unsaved is not None and str(result.unsaved) != result.reason:
        print(result.unsaved, file=sys.stderr)
    for reason in sorted(result.counts.reasons)[:5]:
        print(f"Failed: {reason}", file=sys.stderr)
    if report["run_id"] and (report["cancelled"] or result.unsaved or report["failed"]):
        what = "Finish it with" if report["cancelled"] or result.unsaved else "Try what failed again with"
        print(f"{what}: {program()} translate --resume {report['run_id']}", file=sys.stderr)
