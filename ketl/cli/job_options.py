"""The options that say what to translate and how, and the job that they stand for."""

from __future__ import annotations

import argparse

from ketl.errors import SettingsError
from ketl.results.baseline import BaselineKind
from ketl.runs.durations import parse_length
from ketl.runs.job import Job, Mode


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what to translate and how."""
    parser.add_argument(
        "--catalog", metavar="PATH", help="product file (.json, .jsonl); default: the KETL Mtn. catalogue"
    )
    parser.add_argument("--product", action="append", default=[], metavar="ID", help="product id; may be repeated")
    parser.add_argument(
        "--language", action="append", default=[], metavar="NAME|TAG", help="target; “all” for every one"
    )
    parser.add_argument("--field", action="append", default=[], metavar="NAME", help="field; may be repeated")
    parser.add_argument("--pack", metavar="auto|N", help="texts per request")
    parser.add_argument("--plan", metavar="auto|free|developer|unlimited|PATH", help="the provider's limits")
    parser.add_argument("--no-memory", action="store_true", help="do not reuse earlier translations")
    parser.add_argument("--glossary", metavar="PATH|none", help="glossary file; default: the KETL Mtn. glossary")
    parser.add_argument("--max-cost", metavar="USD", help="stop before this many dollars are spent")
    parser.add_argument("--deadline", metavar="TIME", help="finish within this time, for example 90s or 3m")
    parser.add_argument(
        "--route", action="append", default=[], metavar="WHO=MODEL", help="model for a group or language"
    )
    parser.add_argument("--profile", metavar="NAME", help="field lengths: google-merchant, amazon, ebay, shopify")


def job_of(options: argparse.Namespace) -> Job:
    """Return the job that the options stand for. Raises SettingsError, naming the option that is wrong."""
    mode = Mode(getattr(options, "mode", None) or Mode.PARALLEL)
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
        pack=_pack(options.pack or "auto"),
        plan=options.plan or "auto",
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
