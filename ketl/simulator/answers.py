"""Answers a translation request: shipped translations where there are any, pseudo-localised text elsewhere."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from ketl._shipped import shipped
from ketl.simulator.pseudo import canonical_tag, pseudo_localise, script_of

DATA_DIR = shipped("data")

# The catalogue's keys for the fields under which translations are kept.
_CATALOG_KEYS: Mapping[str, tuple[str, ...]] = {
    "name": ("product_name", "name"),
    "features": ("product_features", "features"),
    "fabric": ("fabric_details", "fabric"),
    "details": ("other_details", "details"),
}
_HIDDEN = re.compile(r"⟦(\d+)⟧")
_SPACES = re.compile(r"\s+")
_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[%\"°A-Za-z])")
_SEPARATOR = re.compile(r"(?<=\d)(?:\\\.|,)(?=\d)")
_REMEMBERED = 20_000
_MOST_LANGUAGES = 500


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What the last user message asks: language tag, source texts by key, and values hidden in them by number.

    `hidden` holds the values for every segment; `hidden_by_key` those sent for one segment only.
    """

    tag: str
    segments: Mapping[str, str]
    hidden: Mapping[str, str]
    hidden_by_key: Mapping[str, Mapping[str, str]]


def read_wire(content: str) -> WireRequest | None:
    """Return what a user message asks, or None when it is not the JSON object of a translation request."""
    if not content.lstrip().startswith("{"):
        return None
    try:
        value = orjson.loads(content)
    except ValueError:
        return None
    segments = value.get("segments") if isinstance(value, dict) else None
    if not isinstance(segments, dict) or not all(isinstance(text, str) for text in segments.values()):
        return None
    tag = value.get("target_tag") or value.get("target_language") or "und"
    hidden: dict[str, str] = {}
    by_key: dict[str, Mapping[str, str]] = {}
    placeables = value.get("placeables")
    for key, item in placeables.items() if isinstance(placeables, dict) else ():
        if isinstance(item, str):
            hidden[key] = item
        elif isinstance(item, dict):
            by_key[key] = {str(number): str(text) for number, text in item.items()}
    return WireRequest(str(tag), segments, hidden, by_key)


class Translator:
    """The demo's whole knowledge of languages; reads its files when they are first needed.

    `data_dir` holds the catalogue and `translations/<tag>.json`.
    """

    def __init__(self, data_dir: Path = DATA_DIR) -> None:
        self._data_dir = data_dir
        self._catalog: dict[str, dict[str, str]] | None = None
        self._shipped: dict[str, Mapping[str, str]] = {}
        self._remembered: OrderedDict[tuple[str, str], str] = OrderedDict()

    def answer(self, request: WireRequest) -> dict[str, str]:
        """Return the translation of every segment under the same keys."""
        texts: dict[str, str] = {}
        for key, source in request.segments.items():
            hidden = request.hidden_by_key.get(key, request.hidden) if "⟦" in source else {}
            texts[key] = self.translate(source, request.tag, hidden)
        return texts

    def translate(self, source: str, tag: str, hidden: Mapping[str, str] | None = None) -> str:
        """Return the text in the language of `tag`, values hidden in the source hidden again where they are found."""
        if "⟦" in source:
            return self._translate_hidden(source, tag, hidden or {})
        shipped = self._translations(tag).get(source.strip())
        return shipped if shipped is not None else pseudo_localise(source, script_of(tag))

    def _translate_hidden(self, source: str, tag: str, hidden: Mapping[str, str]) -> str:
        memory_key = (source + "\0" + "\0".join(f"{k}={v}" for k, v in hidden.items()), tag)
        known = self._remembered.get(memory_key)
        if known is not None:
            return known
        text = self._find_hidden(source, tag, hidden)
        if text is None:
            text = pseudo_localise(source, script_of(tag))
        self._remembered[memory_key] = text
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return text

    def _find_hidden(self, source: str, tag: str, hidden: Mapping[str, str]) -> str | None:
        """Return the shipped translation of a source with hidden values, or None when there is none."""
        shipped = self._translations(tag)
        numbers = _HIDDEN.findall(source)
        if all(number in hidden for number in numbers):
            full = _HIDDEN.sub(lambda found: hidden[found.group(1)], source).strip()
            translation = shipped.get(full)
            return _hide(translation, [(number, hidden[number]) for number in numbers]) if translation else None
        # The values were not sent along: find the one shipped text that has this source's words around the gaps.
        parts = _HIDDEN.split(source.strip())
        pattern = re.compile("".join("(.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.DOTALL)
        for full, text in shipped.items():
            found = pattern.fullmatch(full)
            if found:
                return _hide(text, list(zip(numbers, found.groups(), strict=True)))
        return None

    def _translations(self, tag: str) -> Mapping[str, str]:
        shipped = self._shipped.get(tag)
        if shipped is None:
            if len(self._shipped) >= _MOST_LANGUAGES:
                self._shipped.clear()
            shipped = self._shipped[tag] = self._read_translations(canonical_tag(tag))
        return shipped

    def _read_translations(self, tag: str) -> Mapping[str, str]:
        """Return shipped translations by English text; empty when there is no file for the language."""
        # The tag comes from a request, so it must not name a path.
        if not re.fullmatch(r"[A-Za-z0-9-]{1,35}", tag):
            return {}
        value = _read_object(self._data_dir / "translations" / f"{tag}.json")
        texts = {source.strip(): text for source, text in _string_pairs(value.get("colors"))}
        products = value.get("products")
        for ident, translations in products.items() if isinstance(products, dict) else ():
            sources = self._sources().get(str(ident), {})
            for name, text in _string_pairs(translations):
                if name in sources and text:
                    texts[sources[name].strip()] = text
        return texts

    def _sources(self) -> dict[str, dict[str, str]]:
        if self._catalog is None:
            self._catalog = dict(_catalog_texts(self._data_dir / "ketlmtn_products.json"))
        return self._catalog


def _hide(text: str, values: list[tuple[str, str]]) -> str:
    """Return `text` with each value that is in it replaced by its number again; others stay as they read."""
    # Longest first, and only where no number goes on, so that "6%" is not taken out of "96%" or "1.6%". Letters
    # of other scripts may touch a value: Chinese and Japanese write no spaces.
    for number, value in sorted(values, key=lambda pair: -len(pair[1])):
        found = (
            re.search(rf"(?<![A-Za-z0-9⟦])(?<!\d[.,]){_local_forms(value)}(?![A-Za-z0-9⟧])", text) if value else None
        )
        if found is not None:
            text = f"{text[: found.start()]}⟦{number}⟧{text[found.end() :]}"
    return text


def _local_forms(value: str) -> str:
    """Return a pattern for a value as other languages set it: 11,2 oz for 11.2 oz, 100 % for 100%."""
    escaped = re.escape(_SPACES.sub("", value))
    spaced = _AFTER_DIGIT.sub("[ \u00a0\u202f]?", escaped)
    return _SEPARATOR.sub("[.,]", spaced)


def _string_pairs(value: object) -> Iterator[tuple[str, str]]:
    for key, text in value.items() if isinstance(value, dict) else ():
        if isinstance(text, str):
            yield str(key), text


def _catalog_texts(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    rows = _read_json(path)
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        nested = row.get("extracted_data")
        inner = nested if isinstance(nested, dict) else {}
        texts = {}
        for name, keys in _CATALOG_KEYS.items():
            text = next((t for t in (place.get(k) for place in (inner, row) for k in keys) if isinstance(t, str)), None)
            if text:
                texts[name] = text
        yield str(row.get("product_id")), texts


def _read_object(path: Path) -> Mapping[str, object]:
    value = _read_json(path)
    return value if isinstance(value, dict) else {}


def _read_json(path: Path) -> object:
    """Return the file's JSON, None when it is missing or unreadable: the demo then shows pseudo-localised text."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
