"""Patterns that read markup, codes and addresses out of a text, shared by both sides of a comparison."""

from __future__ import annotations

import re
from functools import cache


@cache
def late(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Return a compiled pattern; for long ones that few texts need, so that importing the checks stays quick."""
    return re.compile(pattern, flags)


PLACEHOLDER = re.compile(
    r"⟦\s*\w+\s*⟧"
    r"|\{\{[^{}\n]{1,80}\}\}|\{%[^{}\n]{1,80}?%\}|<%[^<>\n]{1,80}?%>|\$\{[^{}\n]{1,60}\}|\{[^{}\n]{0,60}\}"
    r"|\[\[[^\[\]\n]{1,60}\]\]|\*\|[^|\n]{1,60}\|\*"
    r"|%\([A-Za-z_]\w*\)[sdifr]|%\d+\$[-+0#]?\d*(?:\.\d+)?[sdif@]"
    # A percent sign after a digit is a percentage; a letter after the conversion makes it a word.
    r"|(?<![\d%])(?<!\d )%(?:[-+0#]?\d*(?:\.\d+)?)[sdf@](?![^\W\d_])"
)
PLACEHOLDER_HINT = re.compile(r"[{⟦]|%[\d(sdf@+#.-]|\[\[|\*\||<%")
ICU_CHOICE = re.compile(r"\{\s*(\w+)\s*,\s*(plural|select|selectordinal)\b")

TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)((?:\s[^<>]*)?)(/?)>")
TAG_START = re.compile(r"<\s*/?\s*[A-Za-z]")
ATTRIBUTE = re.compile(r"""\b(href|src|class|id)\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+)""", re.IGNORECASE)
VOID_TAGS = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip
UNSAFE = re.compile(
    r"<[\s/]*(?:script|iframe|frame|frameset|object|embed|applet|style|form|svg|math|link|meta|base)\b[^<>]*"
    r"|<[a-z!?/][^<]*?[\s/\"'`](?:on[a-z]{3,24}|srcdoc|formaction)\s*=[^<>]*"
    r"|\bstyle\s*=(?:(?!\bstyle\s*=)[^<>]){0,2000}?(?:expression\s*\(|javascript|behaviou?r\s*:|-moz-binding|@import)[^<>]*"
    r"|(?:javascript|vbscript|livescript)\s*:|data\s*:\s*(?:text/|image/svg|application/)",
    re.IGNORECASE,
)
# What browsers leave out when they read the name of a protocol or tag, and what is not seen.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
BREAKS = re.compile(r"[\t\r\n]")
ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
DOUBLE_ENTITY = re.compile(r"&amp;(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")

URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'“”«»「」，。、（）)\]}]+", re.IGNORECASE)
EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")

# A code mixes digits with at least one upper-case Latin letter: 4XL, 600D, V.2, B12, A-1002.
CODE = re.compile(
    r"(?<![A-Za-z0-9.])(?=[A-Za-z0-9./-]{0,60}[A-Z])(?=[A-Za-z0-9./-]{0,60}\d)[A-Za-z0-9]+(?:[./-]?[A-Za-z0-9]+)*"
)
# What looks like a code but is a number with its unit, an ordinal, or a number joined to an English word.
NOT_CODE = re.compile(
    r"\d+(?:[.,]\d+)*-?(?:mm|cm|km|m|in|ft|g|kg|mg|oz|lbs?|ml|mL|L|l|gsm|h|W|V|K|k|C|F|mAh|MP|x|X|D?PI)"
    r"|[A-Za-z]+[./-]\d+(?:[.,]\d+)*-?[a-z]+|\d+(?:[.,/]\d+)*[-/][A-Za-z]?[a-z]{2,}(?:-[A-Za-z]+)*"
    r"|\d+(?:st|nd|rd|th|ST|ND|RD|TH)|[A-Z]?[a-z]{2,}-\d+|\d+(?:[.,]\d+)*[-–]\d+(?:[.,]\d+)*[A-Za-z]{1,3}"
    r"|[A-Z][a-z]+[./]\d+"
)
# Short names of standards and materials that shops of every language write in Latin capitals.
ACRONYM = re.compile(
    r"(?<![A-Za-z])(?:UPF|SPF|YKK|DWR|TPU|EVA|RFID|GPS|USB|BPA|PFC|PFAS|PVC|SKU|OEKO-TEX|GORE-TEX)(?![A-Za-z])"
)
ACRONYM_WORDS = frozenset("upf spf ykk dwr tpu eva rfid gps usb bpa pfc pfas pvc sku oeko gore".split())

NEGATIVE = re.compile(r"(?:^|[\s(\u00a0\u202f])[-−–](?=\d)")
# Whole numbers only, from their first digit on: what cannot begin there cannot begin within them either.
_FIRST_DIGIT = r"(?<!\d)(?<!\d[.,])"
_WHOLE = r"\d++(?:[.,]\d++)*+"
_MEASURE = _WHOLE + r"(?:\s?(?![xX]\b)[^\W\d_]{1,2}\b|\s?[\"″”])?"
DIMENSION = re.compile(rf"{_FIRST_DIGIT}{_MEASURE}(?:\s?(?:x|×|by|X)\s?{_MEASURE})+")
RANGE = re.compile(rf"{_FIRST_DIGIT}({_WHOLE})\s?(?:[-–]|to)\s?({_WHOLE})")
CLOCK = re.compile(r"\b(\d{1,2})(?::(\d\d))?\s?([ap])\.?\s?m\b", re.IGNORECASE)
ORDINAL = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)

END_MARKS = ".!?…。！？．؟۔।॥;:)）”\"'’»」』】]›"
SENTENCE_END = re.compile(r"[.!?…。！？؟۔।]+(?=[\s\"'”’»)）」』]|$)|[。！？]+")
LIST_MARK = re.compile(r"(?<!\d)[,，、،;；・·]|,(?!\d)|[,،](?=\s)| [/|–—] ")
LIST_SIGNS = frozenset(",，、،;；・·/|–—")
BULLET = re.compile(r"^[ \t]*(?:[-*•◦▪–·‣](?=\s)|\d{1,2}(?:[.)](?=\s)|[．。、]))[ \t\u3000]*", re.MULTILINE)
EMOTICON = re.compile(r"[:;=8][-^']?[)(DPp/|]|\^\^|\^_\^|<3")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NOT_LETTER = re.compile(r"[\W_]+")
