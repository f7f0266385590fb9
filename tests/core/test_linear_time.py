"""Any text is hidden, restored, mended and checked in time proportional to its length: none freezes the program."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import cycle

import pytest

from ketl.catalog import placeables
from ketl.catalog.units import Segment, text_key
from ketl.checks import _patterns as pat
from ketl.checks.autofix import unwrap
from ketl.checks.subject import source_facts
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary, Term
from ketl.language.languages import find_languages
from ketl.prompts.brief import Brief
from ketl.provider.window import Window
from ketl.results.crowd import Crowd

TERMS = Glossary(
    (
        Term(term="Khaki", renderings=("Caqui", "Verde caqui"), forbidden=("Caca",)),
        Term(term="KETL", do_not_translate=True, case_sensitive=True),
        Term(term="seams", renderings=("costuras",), forbidden=("cosido",)),
    )
)
COPY = "Warm lining, taped seams. It packs into its own hood, 121g, Khaki by KETL. "
# Beginnings of what the patterns look for: repeated, each could begin anywhere and ends nowhere. {} counts up.
PIECES = """
a A 1 a_ 1_ A1 A1- a1- a- 1- 1. 1, 1_x_ 1x < <a <a_ <a_b= <!-- --> </ {{{{ {{ }} {{% % %1 %(a ${{ [
[[ ( ) （ " ' “ « '" ⟦ ⟦1 ⟦1⟧ ⟦_1 [1 [_1 http:// http://a. www. www.a) a@ a@a. a@a- @ & &amp; &# &a \\
- -_ . ._ .. ! !_ ? ¿ ¡a?a! a!_ a;_ a_: ;_ :_ word,_ die_die_ ab__ab <a_on onx= style= style=a_
javascript data: data_ ` ``` ** * note: (note_ translation: here_is_the_ sorry I_cannot_ the_text_ 字
字、 ا ا،_ ١ ١٬ ½ 1/2_ 12:30_pm_ hundred_ twenty- $1 1_m 1_in_ 1"_ 1' 5_-_ 5– 5_to_ -1 #1 1% 1_% e1
UPF_ UPF_5 YKK gsm 1gsm 1_g_x_ 1²_ 1°C 👩‍ Â Ã© ??? _,_ 00 1_000_ 1.000. 1,000, 一百 百 ๆ ー 「 」 ·a a/ |
^^ :) :- x x1x X V.2_ A.1 v2. A/1 1/ 1-a a-1 a.a == =a +1_ onclick_ &lt; &#x __ ___ \u00a0 \u200b
\u202e e\u0301 … …! {}_ {}_cm_ A{}_ A{}- {{a{}}}_ <b{}> <b{}></b{}> w{}x_ http://a{}.com_ a{}@b.com_
{}x {}- {}. {}/ {}_to_ ⟦{}⟧ [{}] on{}=_ &a{};_ $_{}_ 1_{}_ style={}_ %{}$s x{}y@ {}:30_pm_ Ab{} “{}”_
0.{}_
""".split()
SHORT, LONG = 600, 2_400


def repeated(piece: str, length: int) -> str:
    """Return a text of about this length that repeats a piece."""
    one = piece.replace("_", " ")
    times = length // len(one.format(*[10] * 3)) + 1
    return "".join(one.format(number, number, number) for number in range(times))


def cpu_s(act: Callable[[], object]) -> float:
    """Return the seconds of the CPU that something takes."""
    begun = time.thread_time()
    act()
    return time.thread_time() - begun


def grows_too_fast(act: Callable[[int], object]) -> bool:
    """Whether four times the length takes ten times as long, or more: linear is 4, quadratic 16."""
    # What is done at once is not looked at again; what is not may have been disturbed, but hardly three times.
    if cpu_s(lambda: act(LONG)) < 0.008:
        return False
    return all(cpu_s(lambda: act(LONG)) > 10 * max(cpu_s(lambda: act(SHORT)), 0.0005) for _ in range(3))


@pytest.mark.parametrize("where", ["the answer", "the source", "both"])
def test_no_text_costs_with_the_square_of_its_length(where: str) -> None:
    brief = Brief(TERMS, BrandVoice())

    def judge(piece: str, kind: str, tag: str, length: int) -> None:
        odd, copy = repeated(piece, length), (COPY * (length // len(COPY) + 1))[:length]
        source, answer = copy if where == "the answer" else odd, copy if where == "the source" else odd
        source_facts.cache_clear()
        placeables.hide(source)
        segment = Segment(text_key(kind, source), kind, source, find_languages([tag])[0])
        brief.judge.grade(brief.prepare(segment), answer)

    assert [
        piece
        for piece, kind, tag in zip(
            PIECES, cycle(("list", "prose")), cycle(("es", "ja", "fr", "ar", "ru")), strict=False
        )
        if grows_too_fast(partial(judge, piece, kind, tag))
    ] == []


@pytest.mark.parametrize(
    "act",
    [
        lambda length: pat.DIMENSION.findall("1." * length),
        lambda length: pat.RANGE.findall("1," * length),
        lambda length: pat.EMAIL.findall("a" * length + " @"),
        lambda length: unwrap("```" * length, "Soft"),
    ],
    ids=["measures", "ranges", "addresses", "wrappers"],
)
def test_a_long_run_is_looked_through_once(act: Callable[[int], object]) -> None:
    def shortest_s(length: int) -> float:
        return min(cpu_s(lambda: act(length)) for _ in range(3))

    assert shortest_s(8_000) < 10 * max(shortest_s(2_000), 0.0005)


def test_the_books_of_one_request_cost_the_same_after_20_000() -> None:
    window, crowd, sent = Window(), Crowd(), deque[int]()
    took = []
    for part in range(4):
        begun = time.thread_time()
        for number in range(5_000):
            at_s = 0.01 * (5_000 * part + number)
            sent.append(window.sent())
            crowd.step(at_s, 1)
            if len(sent) > 400:
                window.answered(sent.popleft(), at_s - 4.0, at_s, 100.0)
                crowd.step(at_s, -1)
        took.append(time.thread_time() - begun)
    assert took[3] < 3 * took[1]
