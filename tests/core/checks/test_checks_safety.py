"""Safety comes first: what could run, and what does not end, is found whatever else is wrong with the answer."""

from __future__ import annotations

import pytest

from tests.core.checks.helpers import findings

SOURCE = "A warm jacket for days of rain and much wind."
RUNS = [
    "<script>alert(1)</script>", "<ScRiPt src=//x>", "< script>", "<img src=x onerror=alert(1)>",
    "<img/onerror=alert(1)>", '<img title=">" onerror=alert(1)>', "<svg/onload=alert(1)>", "<iframe src=//x>",
    '<a href="javascript:alert(1)">x</a>', '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="java\nscript:x">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>', '<a href="javascript&colon;x">x</a>',
    '<a href="\x01javascript:x">x</a>', '<a href="vbscript:x">x</a>', '<a href="data:text/html,x">x</a>',
    "<object data=x>", "<embed src=x>", '<p style="width:expression(alert(1))">x</p>', '<b srcdoc="x">',
    '<meta http-equiv="refresh" content="0;url=//x">', '<base href="//x">', "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;", "<scr\x00ipt>", '<a href="data:image/svg+xml,x">x</a>', "<form action=//x>",
]  # fmt: skip


@pytest.mark.parametrize("markup", RUNS)
@pytest.mark.parametrize("text", ["Una chaqueta cálida. ", SOURCE, "I'm sorry, I cannot. ", "Error: 500 ", ""])
def test_markup_that_could_run_is_found_first_whatever_else_is_wrong(text: str, markup: str) -> None:
    assert findings(SOURCE, text + markup, "es")[0] == "unsafe-markup"


def test_the_very_same_markup_is_the_sources_own_affair() -> None:
    own = '<p onclick="go()">Warm</p>'
    assert "unsafe-markup" not in findings(own, '<p onclick="go()">Cálido</p>', "es")
    assert "unsafe-markup" in findings(own, '<p onclick="gone()">Cálido</p>', "es")


@pytest.mark.parametrize("source", ["Red", "Rain jacket", SOURCE, SOURCE * 5])
def test_an_answer_that_does_not_end_is_no_translation(source: str) -> None:
    assert findings(source, "chaqueta " * 100_000, "es") == ["runaway"]
    assert "runaway" not in findings(source, "Una chaqueta cálida para días de lluvia.", "es")
