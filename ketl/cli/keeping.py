"""The commands for what is kept between runs: the translation memory, and what was learned of the models."""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import asdict
from pathlib import Path

from ketl.cli.program import program
from ketl.cli.statuses import ExitStatus
from ketl.cli.tables import show
from ketl.errors import SettingsError
from ketl.formats.catalog_files import open_catalog
from ketl.formats.tmx_file import export_memory, import_memory
from ketl.language.languages import LANGUAGES, Language, find_language, language_name
from ketl.memory.memory import Memory
from ketl.memory.outdated import find_outdated
from ketl.memory.route_records import records, suggestions
from ketl.settings import load_settings
from ketl.store.store import Store


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `memory` and `routes` to the parser."""
    memory = commands.add_parser(
        "memory",
        help="inspect, clear, export or import the translation memory",
        epilog=f"Example: {program()} memory export memory.tmx --language French",
    )
    memory.add_argument("action", nargs="?", choices=("show", "outdated", "clear", "export", "import"), default="show")
    memory.add_argument("path", nargs="?", help="the TMX file to write or read")
    memory.add_argument("--catalog", metavar="PATH", help="outdated: the catalogue to compare with")
    memory.add_argument("--engine", choices=("groq", "demo"), help="default: the one in use now")
    memory.add_argument("--language", metavar="NAME|TAG", help="only this language")
    memory.add_argument("--before", metavar="YYYY-MM-DD", help="clear only what is older")
    memory.add_argument("--include-locked", action="store_true", help="clear edited and approved translations, too")
    memory.add_argument("--overwrite", action="store_true", help="let an import replace edited translations")
    memory.add_argument("--json", action="store_true", help="as JSON on standard output")
    memory.set_defaults(run=_memory)
    routes = commands.add_parser("routes", help="show how each model did by language and field, and hints")
    routes.add_argument("--json", action="store_true", help="as JSON on standard output")
    routes.set_defaults(run=_routes)


def _memory(options: argparse.Namespace) -> int:
    settings = load_settings()
    language = find_language(options.language) if options.language else None
    if options.action in ("export", "import") and not options.path:
        raise SettingsError(f"Name the TMX file, as in: {program()} memory {options.action} my.tmx")
    with Store(settings.database_url) as store:
        memory = Memory(store, options.engine or settings.engine)
        if options.action == "outdated":
            return _outdated(memory, options, language)
        if options.action == "clear":
            return _clear(memory, options, language)
        if options.action == "export":
            return _export(memory, Path(options.path), language)
        if options.action == "import":
            taken = import_memory(memory, options.path, overwrite=options.overwrite)
            print(f"{taken} translations taken in; as edited ones they are never replaced unasked.", file=sys.stderr)
            return ExitStatus.OK
        rows = [
            {"language": language_name(s.language_tag), "translations": s.translations, "locked": s.locked}
            for s in memory.stats()
            if s.engine == memory.engine and (language is None or s.language_tag == language.tag)
        ]
    if not rows and not options.json:
        print("The memory is empty. It fills with every run.")
        return ExitStatus.OK
    return show(rows, options.json, ("language", "translations", "locked"))


def _outdated(memory: Memory, options: argparse.Namespace, language: Language | None) -> int:
    tags = {s.language_tag for s in memory.stats() if s.engine == memory.engine}
    known = [x for x in LANGUAGES if x.tag in tags and (language is None or x is language)]
    rows = [asdict(row) for row in find_outdated(memory, open_catalog(options.catalog), known)]
    if not rows and not options.json:
        print("Nothing is outdated: no English text has changed since it was translated.")
        return ExitStatus.OK
    columns = ("product_id", "field", "language", "old_source", "new_source", "old_translation")
    return show(rows, options.json, columns)


def _clear(memory: Memory, options: argparse.Namespace, language: Language | None) -> int:
    before = None
    if options.before:
        try:
            before = datetime.datetime.fromisoformat(options.before).replace(tzinfo=datetime.UTC).timestamp()
        except ValueError as error:
            raise SettingsError(f"--before takes a date such as 2026-01-31, not “{options.before}”.") from error
    removed = memory.clear(
        engine=memory.engine, language=language, before=before, include_locked=options.include_locked
    )
    print(f"{removed} translations forgotten.", file=sys.stderr)
    return ExitStatus.OK


def _export(memory: Memory, path: Path, language: Language | None) -> int:
    try:
        with path.open("wb") as handle:
            written = export_memory(memory, handle, language)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}). Name another file.") from error
    print(f"{written} translations written to {path}.", file=sys.stderr)
    return ExitStatus.OK


def _routes(options: argparse.Namespace) -> int:
    settings = load_settings()
    with Store(settings.database_url) as store:
        stats = store.route_stats.all(settings.engine)
    rows = [
        {
            "language": r.language,
            "field_kind": r.kind,
            "model": r.model,
            "answers": r.answers,
            "pass_rate": None if r.pass_rate is None else round(r.pass_rate, 4),
            "repair_share": None if r.repair_share is None else round(r.repair_share, 4),
            "seconds": None if r.seconds is None else round(r.seconds, 3),
            "cost_usd": None if r.cost_usd is None else round(r.cost_usd, 6),
        }
        for r in records(stats)
    ]
    if not rows and not options.json:
        print("Nothing learned yet. Every run adds to it.")
        return ExitStatus.OK
    show(rows, options.json, ("language", "field_kind", "model", "answers", "pass_rate", "seconds", "cost_usd"))
    hints = suggestions(stats)
    for hint in hints:
        print(hint, file=sys.stderr)
    if hints:
        print("A run takes another model with --route WHO=MODEL, as in --route es=MODEL.", file=sys.stderr)
    return ExitStatus.OK
