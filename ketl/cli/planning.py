"""The command that says what a run would take, and sends nothing."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ketl._figures import dollars, duration
from ketl.cli.job_options import add_selection, job_of
from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.memory.memory import Memory
from ketl.planning.plan import RunPlan
from ketl.provider.tiers import load_tier
from ketl.runs.connection import plan_lanes
from ketl.runs.preparation import Preparation
from ketl.runs.selection import select
from ketl.settings import load_settings
from ketl.store.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `plan` to the parser."""
    plan = commands.add_parser(
        "plan",
        help="say what a run would take; sends nothing",
        epilog=f"Example: {program()} plan --language all --deadline 3m",
    )
    add_selection(plan)
    plan.add_argument("--json", action="store_true", help="as JSON on standard output")
    plan.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> int:
    job = job_of(options)
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
    return ExitStatus.OK


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
    cost = " to ".join(map(dollars, plan.cost_usd)) if plan.cost_usd else "unknown for these models"
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
        ("Predicted time", duration(plan.predicted_s)),
        ("Shortest possible (bound)", duration(plan.bound_s)),
        ("One after another", duration(plan.sequential_s)),
    ):
        print(f"{name + ':':32}{value}")
    print(plan.limit_note)
    for note in plan.notes:
        print(note)
