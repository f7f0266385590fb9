"""The command line: reads the words, hands them to the engine, and turns what comes back into a status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ketl.cli import keeping, listing, translating
from ketl.errors import KetlError
from ketl.simulator.__main__ import main as serve

OK, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m ketl",
        description="Translate product catalogues in parallel. Without GROQ_API_KEY a local demo server answers.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    translating.add_commands(commands)
    listing.add_commands(commands)
    keeping.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 all well, 1 some units failed, 2 wrong input or settings,
    130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["simulator"]:
        return serve(words[1:])
    options = build_parser().parse_args(words)
    try:
        status: int = options.run(options)
        return status
    except KetlError as error:
        # Whatever escapes a run happened before anything was sent: later failures stay one row.
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return OK
