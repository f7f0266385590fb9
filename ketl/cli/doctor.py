"""The command that looks whether everything a run needs is there, and, asked to, how the real provider behaves."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ketl._figures import counted, dollars
from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.errors import SettingsError
from ketl.settings import load_settings

# What asks the questions is loaded when there are some: every other command starts without it.
if TYPE_CHECKING:
    from ketl.runs.doctor import Line
    from ketl.runs.live import Live, Survey


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor` to the parser."""
    doctor = commands.add_parser(
        "doctor",
        help="look whether everything is there that a run needs, and say what to do",
        description="Look at key, models, limits, database, disk, clock and proxy. The status is 1 when one is broken.",
        epilog=f"Example: {program()} doctor --live",
    )
    doctor.add_argument(
        "--live",
        action="store_true",
        help="ask the real provider some cheap questions, and print where it differs from what this program expects; "
        "the price is said first",
    )
    doctor.add_argument("--yes", action="store_true", help="with --live: ask without confirmation")
    doctor.add_argument("--json", action="store_true", help="as JSON on standard output")
    doctor.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from ketl.runs.doctor import examine

    if options.live:
        return _live(options)
    if options.yes:
        raise SettingsError("--yes goes with --live, which costs something. Leave it out, or add --live.")
    lines = asyncio.run(examine(os.environ))
    if options.json:
        json.dump({"lines": [line.as_json() for line in lines]}, sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        _show(lines)
    return ExitStatus.SOME_FAILED if any(line.state == "broken" for line in lines) else ExitStatus.OK


def _show(lines: Sequence[Line]) -> None:
    width = max(len(line.name) for line in lines)
    for line in lines:
        print(f"{line.state:<13} {line.name:<{width}}  {line.said}{f' → {line.todo}' if line.todo else ''}")


def _live(options: argparse.Namespace) -> int:
    from ketl.runs.live import Live

    settings = load_settings()
    if settings.api_key is None:
        raise SettingsError(
            f"{program()} doctor --live asks the real provider, for which it needs your key. Set GROQ_API_KEY "
            f"and try again; without a key, “{program()} doctor” looks at the rest."
        )
    survey = asyncio.run(_asked(Live(settings), options))
    if survey is None:
        print("Nothing more was asked.", file=sys.stderr)
        return ExitStatus.OK
    if options.json:
        json.dump(survey.as_json(), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print("\n".join(survey.lines()))
    return ExitStatus.SOME_FAILED if survey.broken else ExitStatus.OK


async def _asked(live: Live, options: argparse.Namespace) -> Survey | None:
    """Return what the provider answered, None when the person did not want to pay for it."""
    async with live:
        await live.begin()
        said = (
            f"{counted(live.count, 'question')} to {live.place}, {dollars(live.price_usd)} at most by our price table; "
            "those that ought to be refused cost nothing."
        )
        print(said, file=sys.stderr)
        if not options.yes and not await asyncio.to_thread(_confirmed):
            return None
        return await live.finish()


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise SettingsError("There is nobody to ask whether that may be spent. Add --yes to ask the questions.")
    print("Ask them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")
