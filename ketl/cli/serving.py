"""The command that opens the page: Streamlit on the app that travels with the program."""

from __future__ import annotations

import argparse
import runpy
import sys

from ketl._shipped import shipped
from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.errors import SettingsError


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `app` to the parser."""
    app = commands.add_parser(
        "app",
        help="open the page in a browser",
        description="Serve the page, for a browser. Ctrl-C stops it.",
        epilog=f"Example: {program()} app --port 8600 -- --server.baseUrlPath=translate",
    )
    app.add_argument("--port", metavar="N", help="port to listen on; default: 8501")
    app.add_argument("--address", metavar="A", help="address to listen on; default: 127.0.0.1, this machine only")
    app.add_argument("flags", nargs="*", metavar="-- FLAGS", help="more flags for Streamlit, after two hyphens")
    app.set_defaults(run=_app)


def _app(options: argparse.Namespace) -> int:
    # Streamlit's own command, in this process: it then ends on Ctrl-C by its own rules and leaves no child behind.
    # It reads the settings beside the app, and secrets there, in the folder it is started from and in the home.
    sys.argv = streamlit_command(options)
    try:
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitStatus.OK
    return ExitStatus.OK


def streamlit_command(options: argparse.Namespace) -> list[str]:
    """Return Streamlit's command line for these options. Raises SettingsError for a port that is none."""
    flags = []
    if options.port is not None:
        if not (options.port.isdecimal() and 0 < int(options.port) < 65536):
            raise SettingsError(f"--port takes a number from 1 to 65535, not “{options.port}”.")
        flags.append(f"--server.port={int(options.port)}")
    if options.address is not None:
        flags.append(f"--server.address={options.address}")
    return ["streamlit", "run", str(shipped("app.py")), *flags, *options.flags]
