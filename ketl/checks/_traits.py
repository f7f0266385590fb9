"""What a text has in it that some checks look for: read once a text, so that all other checks are skipped."""

from __future__ import annotations

import re

# One bit each; a check that needs one of them runs when the source or the translation has it.
NUMBERS = 1
MARKUP = 2
ADDRESSES = 4
LINES = 8
# Brackets and straight quotation marks.
PAIRS = 16
MONEY = 32
CODES = 64
TERMS = 128
# Letters or signs that the target does not write in plain text.
STRANGE = 256
# Signs that wrongly decoded text is made of; Latin letters beside Cyrillic or Greek ones; a longest length.
GARBLED = 512
MIXED = 1024
LIMITED = 2048

_DIGITS = frozenset("0123456789")
_MARKUP = frozenset("<{⟦[*&")
# A percent sign that begins a placeholder, not one that follows a number.
_PERCENT = re.compile(r"%[\d(sdf@+#.-]")
_PAIRS = frozenset('()（）[]【】{}"')
_MONEY_SIGNS = frozenset("$€£¥￥＄円")
_MONEY_CODES = frozenset({"usd", "eur", "gbp", "jpy", "cny", "cad", "aud"})
_PROTOCOLS = frozenset({"javascript", "vbscript", "html"})


def read_traits(text: str, folded: str, chars: frozenset[str], words: frozenset[str]) -> int:
    """Return the bits that the characters and words of a text say; `folded` is the text with its digits as 0-9."""
    traits = 0
    if not _DIGITS.isdisjoint(chars) or (folded is not text and not _DIGITS.isdisjoint(folded)):
        traits = NUMBERS
    if (
        not _MARKUP.isdisjoint(chars)
        or not _PROTOCOLS.isdisjoint(words)
        or ("%" in chars and _PERCENT.search(text) is not None)
    ):
        traits |= MARKUP
    if not _PAIRS.isdisjoint(chars):
        traits |= PAIRS
    if "@" in chars or ("/" in chars and "//" in text) or "www." in text:
        traits |= ADDRESSES
    if "\n" in chars:
        traits |= LINES
    if not _MONEY_SIGNS.isdisjoint(chars) or not _MONEY_CODES.isdisjoint(words):
        traits |= MONEY
    return traits


# What wrongly decoded text begins and goes on with: see the check "mojibake".
_LEADS = frozenset("ÂâïÐÑàáãäåæçèéêëìíØÙÚÛÄÅРС")
_TRAILS = frozenset(
    "\u00a0«»ƒ…–—›ŠšŒœŽžŸ€‚„†‡ˆ‰‹‘’“”•˜™"
    + "".join(map(chr, (*range(0x80, 0xA0), *range(0xA1, 0xC0), *range(0x402, 0x410), *range(0x452, 0x460))))
)
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TWO_ALPHABETS = frozenset({"Cyrl", "Grek"})


def read_letter_traits(chars: frozenset[str], script: str) -> int:
    """Return the bits that the letters of a translation say: perhaps garbled, perhaps mixed with look-alikes."""
    traits = 0
    if "Ã" in chars or not (_LEADS.isdisjoint(chars) or _TRAILS.isdisjoint(chars)):
        traits = GARBLED
    if script in _TWO_ALPHABETS and not _LATIN.isdisjoint(chars):
        traits |= MIXED
    return traits
