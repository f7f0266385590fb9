"""What `--resume` may be said together with: the run that is resumed knows what it was asked for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ketl.errors import SettingsError

# The options that say what a run is to do, with what they are when nobody gave them.
JOB_OPTIONS: Mapping[str, object] = {
    "catalog": None,
    "product": [],
    "language": [],
    "field": [],
    "mode": None,
    "baseline": None,
    "pack": None,
    "plan": None,
    "no_memory": False,
    "glossary": None,
    "max_cost": None,
    "deadline": None,
    "route": [],
    "profile": None,
}


def refuse_beside_resume(options: argparse.Namespace) -> None:
    """Raise SettingsError naming the options that contradict `--resume`; does nothing without `--resume`."""
    if not options.resume:
        return
    given = [f"--{name.replace('_', '-')}" for name, unset in JOB_OPTIONS.items() if getattr(options, name) != unset]
    if given:
        raise SettingsError(
            f"--resume {options.resume} goes on with what that run was asked for, so {_listed(given)} cannot be "
            f"given with it. Leave {'it' if len(given) == 1 else 'them'} out, or start a new run without --resume."
        )


def _listed(flags: list[str]) -> str:
    return flags[0] if len(flags) == 1 else f"{', '.join(flags[:-1])} and {flags[-1]}"
