"""TMX 1.4b, the exchange format of translation memories: a run or the memory written, files taken into the memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from ketl.catalog.products import FIELDS, KIND_OF
from ketl.catalog.units import text_key
from ketl.errors import CatalogError, SelectionError
from ketl.language.languages import Language, find_language
from ketl.memory.memory import Memory, Remembered
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.version import __version__

SOURCE_TAG = "en"
_KINDS = tuple(dict.fromkeys(entry.kind for entry in FIELDS))

# All that XML 1.0 cannot hold, not even escaped; one such character makes a whole file unreadable.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class TmxUnit:
    """One translated text of a TMX file.

    `kind` is the field kind, empty when the file does not say; `status` is EDITED for units of other
    programs: a file that somebody chose to import is a person's work, not a machine's draft. `at` is the
    time of the last change in seconds since 1970, None when unknown.
    """

    source: str
    translation: str
    _: KW_ONLY
    language_tag: str
    kind: str = ""
    field: str = ""
    product_id: str = ""
    status: Status = Status.EDITED
    model: str = ""
    fingerprint: str = ""
    at: float | None = None


def write_tmx(units: Iterable[TmxUnit], handle: BinaryIO) -> int:
    """Write `units` as a TMX 1.4b file in UTF-8, one at a time, and return how many there were.

    Characters that XML forbids are left out.
    """
    handle.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
        '<tmx version="1.4">\n'
        f'<header creationtool="ketl" creationtoolversion="{__version__}" segtype="paragraph" o-tmf="ketl" '
        'adminlang="en" srclang="en" datatype="plaintext"/>\n<body>\n'.encode()
    )
    count = 0
    for count, unit in enumerate(units, start=1):
        handle.write(_tu(unit, count).encode("utf-8"))
    handle.write(b"</body>\n</tmx>\n")
    return count


def _tu(unit: TmxUnit, number: int) -> str:
    changed = f" changedate={quoteattr(_stamp(unit.at))}" if unit.at is not None else ""
    props = "".join(
        f"<prop type={quoteattr('x-ketl-' + name)}>{_text(value)}</prop>"
        for name in _PROPS
        if (value := str(getattr(unit, name)))
    )
    return (
        f'<tu tuid="{number}"{changed}>{props}'
        f'<tuv xml:lang="{SOURCE_TAG}"><seg>{_text(unit.source)}</seg></tuv>'
        f"<tuv xml:lang={quoteattr(unit.language_tag)}><seg>{_text(unit.translation)}</seg></tuv></tu>\n"
    )


_PROPS = ("kind", "field", "product_id", "status", "model", "fingerprint")


def _text(text: str) -> str:
    # A bare carriage return would come back as a newline: parsers must fold line ends.
    return escape(_FORBIDDEN.sub("", text), {"\r": "&#13;"})


def _stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _moment(stamp: str) -> float | None:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def read_tmx(path: str | Path) -> Iterator[TmxUnit]:
    """Yield the English texts of a TMX file with each of their translations, one at a time.

    Languages that this program does not know and units without an English text are passed over. Raises
    CatalogError when the file cannot be read, is not TMX, or holds entity declarations (a known attack).
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    file = Path(path)
    try:
        with file.open("rb") as handle:
            source_tag, root_seen, parent = "", False, None
            for event, element in ElementTree.iterparse(handle, events=("start", "end")):
                name = _local(element.tag)
                if event == "start":
                    if not root_seen and name != "tmx":
                        raise CatalogError(f"{file.name} is not a TMX file. Export the memory as TMX 1.4.")
                    root_seen = True
                    if name == "body":
                        parent = element
                elif name == "header":
                    source_tag = element.get("srclang", "")
                elif name == "tu":
                    yield from _units(element, source_tag)
                    if parent is not None:
                        parent.clear()
    except OSError as error:
        raise CatalogError(f"{file.name} cannot be read ({error.strerror}). Check the path.") from error
    except DefusedXmlException as error:
        raise CatalogError(
            f"{file.name} declares XML entities, which are not accepted. Export the memory again without them."
        ) from error
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise CatalogError(f"{file.name} is not a readable TMX file. Export the memory again as TMX 1.4.") from error


def _units(tu: Any, header_source: str) -> Iterator[TmxUnit]:
    texts: dict[str, str] = {}
    for tuv in tu:
        if _local(tuv.tag) == "tuv":
            seg = next((child for child in tuv if _local(child.tag) == "seg"), None)
            # Inline codes of other tools hold the original markup as their text, so all text counts.
            texts.setdefault(tuv.get(_LANG) or tuv.get("lang") or "", "" if seg is None else "".join(seg.itertext()))
    own_source = tu.get("srclang") or header_source
    english = [tag for tag in texts if tag.casefold().replace("_", "-").split("-")[0] == SOURCE_TAG]
    source_tag = own_source if own_source in english else next(iter(english), None)
    source = texts.get(source_tag or "", "")
    if source_tag is None or not source.strip():
        return
    props = {
        (prop.get("type") or "").removeprefix("x-ketl-"): "".join(prop.itertext())
        for prop in tu
        if _local(prop.tag) == "prop" and (prop.get("type") or "").startswith("x-ketl-")
    }
    at = _moment(tu.get("changedate") or tu.get("creationdate") or "")
    for tag, translation in texts.items():
        if tag in english or not translation.strip():
            continue
        try:
            language = find_language(tag)
        except SelectionError:
            continue
        yield TmxUnit(
            source,
            translation,
            language_tag=language.tag,
            kind=props.get("kind", ""),
            field=props.get("field", ""),
            product_id=props.get("product_id", ""),
            status=_status(props.get("status", "")),
            model=props.get("model", ""),
            fingerprint=props.get("fingerprint", ""),
            at=at,
        )


def _status(word: str) -> Status:
    return Status(word) if word in (Status.TRANSLATED, Status.EDITED, Status.APPROVED) else Status.EDITED


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def write(rows: Iterable[ResultRow], handle: BinaryIO) -> int:
    """Write every row that has a translation as one TMX unit, and return how many there were."""
    return write_tmx(
        (
            TmxUnit(
                row.source,
                row.translation,
                language_tag=row.language_tag,
                kind=KIND_OF.get(row.field, "prose"),
                field=row.field,
                product_id=row.product_id,
                status=row.status,
                model=row.model,
            )
            for row in rows
            if row.translation
        ),
        handle,
    )


def export_memory(memory: Memory, handle: BinaryIO, language: Language | None = None) -> int:
    """Write the memory, of one language or of all, as TMX and return how many units it has."""
    return write_tmx(
        (
            TmxUnit(
                entry.source,
                entry.translation,
                language_tag=entry.language_tag,
                kind=entry.kind,
                field=entry.field,
                product_id=entry.product_id,
                status=entry.status,
                model=entry.model,
                fingerprint=entry.fingerprint,
                at=entry.at,
            )
            for entry in memory.entries(language)
        ),
        handle,
    )


def import_memory(memory: Memory, path: str | Path, *, overwrite: bool = False) -> int:
    """Take the translations of a TMX file into the memory and return how many rows were taken.

    Units of other programs count as edited by a person, since somebody chose to bring them: they are
    preferred and locked. A unit that does not say its field kind is taken for every kind. Raises
    CatalogError when the file is not TMX.
    """
    return memory.remember((entry for unit in read_tmx(path) for entry in _from_tmx(unit)), overwrite=overwrite)


def _from_tmx(unit: TmxUnit) -> Iterator[Remembered]:
    # A run's own export has no fingerprints; a machine's text without one counts as chosen by whoever brought it.
    status = Status.EDITED if unit.status is Status.TRANSLATED and not unit.fingerprint else unit.status
    kind = unit.kind or KIND_OF.get(unit.field, "")
    for known in (kind,) if kind else _KINDS:
        yield Remembered(
            key=text_key(known, unit.source),
            language_tag=unit.language_tag,
            kind=known,
            source=unit.source,
            translation=unit.translation,
            status=status,
            fingerprint=unit.fingerprint,
            model=unit.model,
            product_id=unit.product_id,
            at=unit.at,
        )
