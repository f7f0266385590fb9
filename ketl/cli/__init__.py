"""The command line: reads the words, hands them to the engine, and turns what comes back into a status."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import dropwhile

from ketl import LOADED_AT, logs
from ketl.cli import doctor, keeping, listing, planning, serving, translating
from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.errors import KetlError, SelectionError
from ketl.simulator.__main__ import main as serve
from ketl.version import __version__


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog=program(),
        description="Translate product catalogues in parallel. Without GROQ_API_KEY a local demo server answers.",
        epilog=f"Example: {program()} translate --language Spanish --out spanish.csv",
    )
    parser.add_argument("--version", action="version", version=f"ketl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    translating.add_commands(commands)
    planning.add_commands(commands)
    serving.add_commands(commands)
    listing.add_commands(commands)
    keeping.add_commands(commands)
    doctor.add_commands(commands)
    # Before the command and after it: nobody remembers which of the two it was.
    for command in (parser, *commands.choices.values()):
        command.add_argument(
            "-v",
            "--verbose",
            action="count",
            default=argparse.SUPPRESS,
            help="say on standard error what happens; -vv says more, the environment's KETL_LOG=LEVEL the same",
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status, an `ExitStatus`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    called_at = time.monotonic()
    words = list(sys.argv[1:] if argv is None else argv)
    command = [*dropwhile(lambda word: word in ("-v", "-vv", "--verbose"), words)]
    if command[:1] == ["simulator"]:
        # Its options are its own, and it has no log that could say more.
        return serve(command[1:], prog=f"{program()} simulator")
    options = build_parser().parse_args(words)
    options.began_at = LOADED_AT if argv is None else called_at
    try:
        logs.set_up(getattr(options, "verbose", 0))
        status: int = options.run(options)
        return status
    except KetlError as error:
        # What escapes a run happened before anything was sent.
        # The rooms below do not know how they were called; what there is to choose from is listed by commands here.
        listed = f" “{program()} languages”, “fields” and “runs” list what there is."
        print(f"{error}{listed if isinstance(error, SelectionError) else ''}", file=sys.stderr)
        return ExitStatus.WRONG_INPUT
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return ExitStatus.OK
