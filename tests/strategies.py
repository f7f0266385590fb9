"""Generators for property tests: texts that break file formats, and rows that carry them."""

from __future__ import annotations

from hypothesis import strategies as st

from ketl.catalog.products import Product
from ketl.checks.base import Finding, Severity
from ketl.results.outcome import Outcome, Status
from ketl.results.rows import ResultRow

# What breaks quoting, line ends, direction, formulas, marks and widths, beside whatever hypothesis thinks of.
AWKWARD = (
    '"', '""', "'", "''", ",", ";", "\n", "\r\n", "\r", "\t", "=", "=1+1", "+", "-5 °C", "@SUM(A1)", "＝", "＋",
    "－", "＠",
    "'=x", "''=x", " ", "\u00a0", "\u200b", "\u200f", "\u202e", "مرحبا", "שלום", "日本語", "한국어", "ไทย", "हिन्दी",
    "e\u0301", "\u0301", "👩‍👩‍👧", "🏔️", "<b>", "</b>", "&amp;", "]]>", "<!--", "{x}", "{{y}}", "{%", "%s",
    "%1$s", "100%",
    "⟦", "⟧", "⟦1⟧", "⟦2⟧", "[1]", "[[1]]", "【1】", "〚1〛", "١", "UPF 50+", "4XL", "A-1002", "121g", "12\"",
    "https://ketlmtn.example/a?b=1", "me@ketlmtn.example", "KETL Mtn.", "Sunshirk", "\ufeff", "$", "\\", "NULL",
)  # fmt: skip

# Every character that UTF-8 can carry; lone surrogates have tests of their own.
characters = st.characters(codec="utf-8")
any_text = st.lists(st.one_of(st.text(characters, max_size=5), st.sampled_from(AWKWARD)), max_size=8).map("".join)
# What a catalogue lets in: no control characters but tab and line ends (see `ketl.catalog.catalog.clean_text`).
clean_characters = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\r")
clean_any_text = st.lists(st.one_of(st.text(clean_characters, max_size=5), st.sampled_from(AWKWARD)), max_size=8).map(
    "".join
)

# Ids that no check has: the severity of a known one is looked up when a file is read back.
finding_ids = st.sampled_from(["first", "second-check", "third_check"])
findings = st.lists(finding_ids, max_size=3, unique=True).map(
    lambda ids: tuple(Finding(ident, Severity.WARNING, "") for ident in ids)
)
seconds = st.none() | st.integers(0, 10**7).map(lambda ms: ms / 1000)


@st.composite
def rows(draw: st.DrawFn, text: st.SearchStrategy[str] = any_text) -> ResultRow:
    """Rows as a run leaves them: a text or a reason, never both."""
    status = draw(st.sampled_from(list(Status)))
    ended_without = status in (Status.FAILED, Status.CANCELLED)
    return ResultRow(
        product_id=draw(text),
        product_name=draw(text),
        field=draw(st.sampled_from(["name", "details", "colors"])),
        item=draw(st.none() | st.integers(0, 99)),
        language=draw(st.sampled_from(["Spanish", "Arabic", "Chinese (Simplified)"])),
        language_tag="xx",
        source=draw(text),
        translation="" if ended_without else draw(text),
        status=status,
        model=draw(st.sampled_from(["", "llama-3.3-70b-versatile"])),
        findings=draw(findings),
        seconds=draw(seconds),
        from_memory=draw(st.booleans()),
        reason=draw(st.sampled_from(["", "No answer came in time."])) if ended_without else "",
    )


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """Segments' ends with any text that a catalogue lets in."""
    return Outcome(
        key=draw(st.binary(min_size=12, max_size=12)),
        language_tag=draw(st.sampled_from(["es", "ar", "zh-Hans"])),
        status=draw(st.sampled_from(list(Status))),
        text=draw(clean_any_text),
        reason=draw(clean_any_text),
        model="llama-3.3-70b-versatile",
        findings=draw(findings),
        seconds=draw(seconds),
        from_memory=draw(st.booleans()),
        rung=draw(st.integers(0, 2)),
    )


# JSON values as a catalogue file may hold them in any column.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = (
    *("product_id", "id", "product_name", "product_features", "fabric_details", "other_details"),
    *("available_colors", "price", "extracted_data"),
)
# Rows that are nearly products: the right keys, any values, flat or nested.
near_products = st.dictionaries(
    st.sampled_from(_KEYS), json_values | st.dictionaries(st.sampled_from(_KEYS), json_values, max_size=4), max_size=6
)
solid_text = clean_any_text.filter(str.strip)


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Products with any texts that a catalogue lets in, some fields absent, colours as a list."""
    texts: dict[str, str | tuple[str, ...]] = draw(
        st.dictionaries(st.sampled_from(["name", "features", "fabric", "details"]), solid_text, max_size=4)
    )
    if colors := draw(st.lists(solid_text, max_size=3)):
        texts["colors"] = tuple(colors)
    return Product(str(draw(st.integers(1, 10**6))), texts)
