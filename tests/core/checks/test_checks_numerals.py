"""Reading numbers: digit scripts, separators, large units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.checks.numerals import fold_digits, mask_protected, read_numerals, read_value


@pytest.mark.parametrize(
    ("token", "values"),
    [
        ("29.99", {"29.99"}),
        ("29,99", {"29.99"}),
        ("1.299,50", {"1299.5"}),
        ("1,299.50", {"1299.5"}),
        ("20.000", {"20000", "20"}),
        ("0.125", {"0.125"}),
        ("1'299", {"1299"}),
        ("1,00,000", {"100000"}),
        ("007", {"7"}),
    ],
)
def test_a_token_means_every_value_some_locale_gives_it(token, values):
    assert read_value(token) == values


def test_the_english_reading_is_one_value():
    assert read_value("20,000", english=True) == {"20000"}
    assert read_value("1.299", english=True) == {"1.299"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("٢٩٫٩٩", [{"29.99"}]),
        ("２０，０００", [{"20000", "20"}]),
        ("2万", [{"2", "20000"}]),
        ("1.2.3", [{"1"}, {"2"}, {"3"}]),
        ("79 g/m2", [{"79"}]),
        ("½", [{"1"}, {"2"}]),
        ("サイズ30，32", [{"30"}, {"32"}]),
        ("白色，30，黑色", [{"30"}]),
        ("{0} von 5", [{"5"}]),
        ("<h1>7</h1>", [{"7"}]),
    ],
)
def test_numbers_are_found_in_any_dress(text, values):
    found = read_numerals(mask_protected(fold_digits(text)))
    assert [set(numeral.values) for numeral in found] == values


@given(st.integers(0, 10**9), st.sampled_from("٠٠ ۰ ० ０ ০ ௦ ๐".replace(" ", "")))
def test_every_digit_script_gives_the_same_value(number, zero):
    written = "".join(chr(ord(zero) + int(digit)) for digit in str(number))
    assert [n.values for n in read_numerals(fold_digits(written))] == [frozenset({str(number)})]


@given(st.integers(1, 10**7), st.integers(0, 99))
def test_a_price_has_one_value_in_every_locale(whole, cents):
    english, german = f"{whole:,}.{cents:02}", f"{whole:,}".replace(",", ".") + f",{cents:02}"
    assert read_value(english) & read_value(german)
