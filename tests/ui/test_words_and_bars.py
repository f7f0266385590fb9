"""The pages' sentences and bars, without a page."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.language.languages import LANGUAGES
from ketl.results.events import Answered
from ketl.ui import words
from ketl.ui.cards import text_html
from ketl.ui.direction import isolated, marked
from ketl.ui.pickers import PRESETS, ready_in_demo
from ketl.ui.timeline import end_to_end, in_words, lay_out, most_at_once


def attempt(start_s: float, seconds: float, kind: str = "first", status: str = "200", tag: str = "es") -> Answered:
    return Answered(1, "llama-3.3-70b-versatile", tag, start_s, seconds, status, kind, 3, (10, 10, 0), 0.0, seconds)


def report(**changed: Any) -> dict[str, Any]:
    whole = {
        "status": "finished", "mode": "parallel", "units": 153, "languages": 3, "requests": 12, "translated": 153,
        "failed": 0, "cancelled": 0, "from_memory": 0, "makespan_s": 0.7, "speedup": 19.4,
        "baseline": {"kind": "projected", "seconds": 13.7, "ci95_s": None, "sample": None},
    }  # fmt: skip
    return {**whole, **changed}


def test_the_summary_says_what_was_done_and_what_it_bought() -> None:
    assert words.summary(report()) == (
        "51 texts into 3 languages in 0.7 s; one after another it would have taken 13.7 s (projected): 19 times faster."
    )


def test_the_time_from_press_to_result_stands_beside_the_run_s_own() -> None:
    said = words.summary(report(total_s=1.94))
    assert said.startswith("51 texts into 3 languages in 0.7 s (1.9 s from press to result); one after another")
    assert "from press" not in words.summary(report(total_s=0.71))


def test_a_resumed_run_speaks_of_the_rest() -> None:
    said = words.summary(report(done_before=100))
    assert said.startswith("51 texts into 3 languages, 100 of the translations from before; the rest in 0.7 s; one")
    ended = words.summary(report(done_before=40, status="cancelled", translated=100, cancelled=53))
    assert ended.endswith("100 translated, 53 not translated, 40 of them before the run was resumed.")


def test_a_measured_baseline_is_told_as_a_fact() -> None:
    measured = {"kind": "measured", "seconds": 13.7, "ci95_s": None, "sample": None}
    assert "one after another it took 13.7 s (measured)" in words.summary(report(baseline=measured))


def test_a_cancelled_run_says_what_is_there() -> None:
    said = words.summary(report(status="cancelled", translated=100, cancelled=50, failed=3))
    assert said == "Ended early after 0.7 s: 100 translated, 3 failed, 50 not translated."


def test_no_gain_is_not_sold_as_one() -> None:
    assert "nothing was gained" in words.summary(report(speedup=0.98))


def test_small_amounts_keep_their_digits() -> None:
    assert words.cost_range((0.0023, 0.0029)) == "$0.0023 – 0.0029"
    assert words.cost_range((1.5, 1.875)) == "$1.50 – 1.88"
    assert words.cost_range((0.096, 0.12)) == "$0.096 – 0.12"
    assert words.cost_range((0.0, 0.0)) == "$0"
    assert words.cost_range(None) == "unknown"


def test_a_bar_takes_the_lowest_slot_that_is_free() -> None:
    bars = lay_out([attempt(0.0, 2.0), attempt(0.0, 1.0), attempt(0.5, 1.0), attempt(1.0, 1.0), attempt(2.0, 1.0)])
    assert [bar.slot for bar in bars] == [0, 1, 2, 1, 0]
    assert most_at_once(bars) == 3


def test_no_two_bars_of_a_slot_overlap() -> None:
    bars = lay_out([attempt(0.1 * n, 0.35 + 0.05 * (n % 7)) for n in range(80)])
    for slot in range(most_at_once(bars)):
        mine = [bar for bar in bars if bar.slot == slot]
        assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(mine))


def test_end_to_end_is_as_long_as_all_of_them() -> None:
    bars = end_to_end([attempt(0.0, 2.0), attempt(0.0, 1.5)])
    assert bars[-1].end_s == pytest.approx(3.5)


def test_the_timeline_in_words_names_the_longest_and_the_marked() -> None:
    first = [attempt(0.0, 2.5, tag="ja"), attempt(0.0, 1.0)]
    bars = lay_out([*first, attempt(1.0, 0.5, "retry"), attempt(1.5, 2, "hedge")])
    said = in_words(bars)
    assert "4 attempts at llama-3.3-70b-versatile, up to 2 at once" in said
    assert "The longest took 2.5 s (Japanese, 3 texts)" in said
    assert "Marked: 1 retry and 1 raced copy." in said
    assert in_words([]) == "Nothing was sent, so there is nothing to draw."


def test_presets_hold_only_known_languages() -> None:
    known = {language.tag for language in LANGUAGES}
    assert all(set(tags) <= known and tags for tags in PRESETS.values())
    assert set(ready_in_demo()) >= {"es", "fr", "de", "ja", "zh-Hans", "ar"}


def test_latin_parts_of_a_right_to_left_text_are_isolated_and_nothing_else_changes() -> None:
    shown = text_html("UPF 50+، سترة Sunshirk & <b>", "rtl")
    assert shown.startswith('<bdi dir="ltr">UPF 50+</bdi>،') and '<bdi dir="ltr">Sunshirk</bdi> &amp; &lt;' in shown
    assert text_html("سترة 12.5 سم", "rtl") == "سترة 12.5 سم"
    assert text_html("Jacket UPF 50+", "ltr") == "Jacket UPF 50+"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("الوزن: 121g (مقاس M)", ["121g", "M"]),
        ("دافئة حتى -5 °C في الليل.", ["-5 °C"]),
        ("قطن 100% ناعم", ["100%"]),
        ("مقاس XL-42، و UPF 50+.", ["XL-42", "UPF 50+"]),
        ("חום של 100 % כותנה", ["100 %"]),
        ("ב-50 צבעים, 10-20 סמ", ["10-20"]),
        ("المقاس 3.5 x 10 cm.", ["3.5 x 10 cm"]),
        ("السعر $49.99 أو €45", ["$49.99", "€45"]),
        ("جاكيت GORE-TEX® 2.5L", ["GORE-TEX® 2.5L"]),
        ("עומס עד 15kg.", ["15kg"]),
    ],
)
def test_a_number_with_its_unit_is_one_piece_of_a_right_to_left_text(text: str, whole: list[str]) -> None:
    pieces: list[str] = []
    assert isolated(text, lambda piece: pieces.append(piece) or piece) == text  # type: ignore[func-returns-value]
    assert pieces == whole


@given(st.text(alphabet="ابגד 12.5g%+-°C()/x\n", max_size=40) | st.text(max_size=40))
def test_marks_are_all_that_is_added_to_a_cell_and_they_come_in_pairs(text: str) -> None:
    plain = text.translate(dict.fromkeys(range(0x2066, 0x206A)))
    shown = marked(plain, right_to_left=True)
    assert shown.translate(dict.fromkeys(range(0x2066, 0x206A))) == plain == marked(plain, right_to_left=False)
    assert shown.count("\u2069") == shown.count("\u2066") + shown.count("\u2067")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (4.4, "4 s"), (38, "40 s"), (57, "55 s"), (58, "1 min"), (185, "3 min"), (4_800, "1 h 20 min")],
)
def test_an_estimate_is_said_roughly(seconds: float, said: str) -> None:
    assert words.roughly(seconds) == said


def test_what_is_left_follows_the_plan_first_and_then_the_pace_that_was_seen() -> None:
    early = words.remaining(passed_s=2.0, predicted_s=200.0, left_s=None)
    later = words.remaining(passed_s=60.0, predicted_s=200.0, left_s=40.0)
    assert (early, later) == ("2.0 s passed, about 3 min left.", "1 min passed, about 40 s left.")
    late = words.remaining(passed_s=60.0, predicted_s=2.0, left_s=None)
    assert late == "1 min passed, longer than planned; how long it will still take shows soon."


def test_the_time_from_press_to_result_stands_beside_the_makespan() -> None:
    assert words.summary(report(total_s=2.5)).startswith(
        "51 texts into 3 languages in 0.7 s (2.5 s from press to result)"
    )
    assert "press" not in words.summary(report(total_s=0.7))


def test_where_nothing_is_known_of_the_time_one_after_another_nothing_is_claimed() -> None:
    said = words.summary(report(speedup=None))
    assert "13.7 s" not in said and "faster" not in said and "measure it" in said
