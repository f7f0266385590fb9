"""The commands that list what there is: languages, models, runs, checks; and the local server."""

from __future__ import annotations

import argparse
import asyncio
import datetime

from ketl.catalog.products import FIELDS
from ketl.checks import REGISTRY
from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.cli.tables import show
from ketl.language.languages import LANGUAGES
from ketl.provider.models import CHAINS, MODELS
from ketl.provider.tiers import load_tier
from ketl.runs.connection import open_connection
from ketl.settings import load_settings
from ketl.store.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the listing commands to the parser."""
    for name, function, about in (
        ("languages", _languages, "list the target languages"),
        ("models", _models, "list the models, and which of them live for your key"),
        ("runs", _runs, "list earlier runs, newest first"),
        ("checks", _checks, "list the checks every translation goes through"),
        ("fields", _fields, "list the fields that are translated"),
    ):
        command = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        command.add_argument("--json", action="store_true", help="as JSON on standard output")
        command.set_defaults(run=function)
    # Its options are its own: `main` hands them over before this parser would read them.
    commands.add_parser("simulator", help="serve the local demo server", add_help=False)


def _languages(options: argparse.Namespace) -> int:
    rows = [
        {
            "name": x.name,
            "own_name": x.own_name,
            "tag": x.tag,
            "script": x.script,
            "direction": x.direction,
            "group": x.group,
            "model": CHAINS[x.group][0],
        }
        for x in LANGUAGES
    ]
    return show(rows, options.json, ("name", "own_name", "tag", "direction", "group"))


def _models(options: argparse.Namespace) -> int:
    async def listed() -> set[str]:
        async with await open_connection(load_settings(), load_tier("auto")) as session:
            return {row.id for row in session.listed if row.active}

    alive = asyncio.run(listed())
    rows = [
        {
            "id": m.id,
            "available": m.id in alive,
            "groups": [group for group, chain in CHAINS.items() if m.id in chain],
            "prompt_usd_per_million": m.prompt_usd,
            "completion_usd_per_million": m.completion_usd,
            "tokens_per_s": m.tokens_per_s,
            "retired_on": m.retired_on,
        }
        for m in MODELS.values()
    ]
    rows += [
        {
            "id": name,
            "available": True,
            "groups": [],
            "prompt_usd_per_million": None,
            "completion_usd_per_million": None,
            "tokens_per_s": None,
            "retired_on": None,
        }
        for name in sorted(alive - MODELS.keys())
    ]
    return show(rows, options.json, ("id", "available", "groups", "tokens_per_s", "retired_on"))


def _runs(options: argparse.Namespace) -> int:
    with Store(load_settings().database_url) as store:
        rows = [
            {
                "run_id": r.run_id,
                "status": r.status.value,
                "engine": r.engine,
                "mode": r.mode,
                "started_at": _when(r.started_at),
                "finished_at": _when(r.finished_at),
                **r.counts,
                **{k: (r.report or {}).get(k) for k in ("translated", "failed", "cancelled", "makespan_s", "total_s")},
            }
            for r in store.journal.runs()
        ]
    if not rows and not options.json:
        print(f"No run yet. Start one with “{program()} translate --language Spanish --out spanish.csv”.")
        return ExitStatus.OK
    return show(rows, options.json, ("run_id", "status", "engine", "started_at", "units", "translated", "failed"))


def _checks(options: argparse.Namespace) -> int:
    rows = [
        {"id": c.id, "severity": c.severity.value, "label": c.label, "false_alarms": c.false_alarms}
        for c in REGISTRY.values()
    ]
    return show(rows, options.json, ("id", "severity", "label"))


def _fields(options: argparse.Namespace) -> int:
    rows = [{"name": f.name, "label": f.label, "kind": f.kind, "keys": list(f.keys)} for f in FIELDS]
    return show(rows, options.json, ("name", "label", "kind", "keys"))


def _when(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).isoformat(timespec="seconds")
