"""What a merchandiser does in a browser, from the first click to the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
READY = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
HEADER_PX, ROW_PX = 35, 35


def settled(page: Any) -> None:
    page.wait_for_selector(READY)
    assert page.locator('[data-testid="stException"]').count() == 0


def open_page(page: Any, address: str) -> None:
    page.goto(address)
    settled(page)
    page.wait_for_selector('[data-testid="glide-cell-1-0"]', state="attached")


def choose_products(page: Any, *rows: int) -> None:
    for row in rows:
        grid = page.locator('[data-testid="stDataFrame"] .dvn-scroller').first
        grid.click(position={"x": 16, "y": HEADER_PX + ROW_PX * row + ROW_PX // 2})
        settled(page)


def choose_languages(page: Any, *names: str) -> None:
    for name in names:
        page.get_by_label("Languages").fill(name)
        page.get_by_role("option", name=name).first.click()
        # The plan of the choice so far arrives and redraws the box; typing into it before would be lost.
        page.get_by_test_id("stMetric").first.wait_for()
        settled(page)
    page.keyboard.press("Escape")


def press_translate(page: Any) -> None:
    button = page.get_by_test_id("stMain").get_by_role("button", name="Translate")
    page.wait_for_selector('[data-testid="stMetric"]')
    settled(page)
    button.click()


def wait_for_the_end(page: Any) -> str:
    page.wait_for_selector('[data-testid="summary"]', timeout=60_000)
    settled(page)
    return str(page.locator('[data-testid="summary"]').inner_text())


def save_csv(page: Any, folder: Path) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "Excel needs the mark to read it as UTF-8"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_two_products_and_two_languages_become_a_file(tab: Any, demo_app: str, tmp_path: Path) -> None:
    open_page(tab, demo_app)
    choose_products(tab, 0, 1)
    choose_languages(tab, "Spanish", "Arabic")
    press_translate(tab)
    assert "into 2 languages in" in wait_for_the_end(tab)

    rows = save_csv(tab, tmp_path)
    assert {row["product_id"] for row in rows} == {"1", "2"}
    assert {row["language"] for row in rows} == {"Spanish", "Arabic"}
    assert len(rows) == 2 * (9 + 8)
    assert all(row["translation"] and row["status"] == "translated" for row in rows)


def test_right_to_left_text_stands_at_the_right(tab: Any, demo_app: str) -> None:
    open_page(tab, demo_app)
    choose_products(tab, 0)
    choose_languages(tab, "Arabic")
    press_translate(tab)
    wait_for_the_end(tab)
    paragraph = tab.locator('p.k-title[lang="ar"]')
    assert paragraph.get_attribute("dir") == "rtl"
    left_gap, right_gap = paragraph.evaluate(
        """p => { const range = document.createRange(); range.selectNodeContents(p)
                  const text = range.getBoundingClientRect(), box = p.getBoundingClientRect()
                  return [text.left - box.left, box.right - text.right] }"""
    )
    assert left_gap > right_gap


def test_a_refresh_in_the_middle_loses_nothing(tab: Any, slow_app: str, tmp_path: Path) -> None:
    open_page(tab, slow_app)
    choose_products(tab, 0, 1)
    choose_languages(tab, "Spanish", "Japanese")
    press_translate(tab)
    tab.wait_for_selector('[data-testid="stProgress"]')
    tab.wait_for_url("**run=**")
    tab.reload()
    tab.wait_for_selector('[data-testid="stProgress"]')
    assert tab.get_by_role("button", name="Cancel").is_visible()
    assert "into 2 languages" in wait_for_the_end(tab)
    assert len(save_csv(tab, tmp_path)) == 2 * (9 + 8)
    tab.get_by_text("What to translate: 2 products, 2 languages").wait_for()


def test_a_run_goes_on_while_another_page_is_open(tab: Any, slow_app: str) -> None:
    open_page(tab, slow_app)
    choose_products(tab, 2)
    choose_languages(tab, "German")
    press_translate(tab)
    tab.wait_for_selector('[data-testid="stProgress"]')
    tab.get_by_role("link", name="Timing").click()
    tab.get_by_role("heading", name="What running in parallel bought").wait_for()
    tab.get_by_role("link", name="Translate").click()
    tab.get_by_role("heading", name="Translate the catalogue").wait_for()
    assert "into 1 language" in wait_for_the_end(tab)
    assert tab.locator('p.k-title[lang="de"]').inner_text()


def test_cancelling_keeps_what_is_done_and_says_so(tab: Any, slow_app: str, tmp_path: Path) -> None:
    open_page(tab, slow_app)
    choose_products(tab, 3, 4)
    choose_languages(tab, "French")
    press_translate(tab)
    tab.get_by_role("button", name="Cancel").click()
    assert "Ended early" in wait_for_the_end(tab)
    rows = save_csv(tab, tmp_path)
    assert len(rows) == 7 + 8
    assert {row["status"] for row in rows} <= {"translated", "cancelled"}
    assert any(row["status"] == "cancelled" for row in rows)


def test_a_measurement_draws_the_run_and_its_baseline(tab: Any, demo_app: str) -> None:
    tab.goto(f"{demo_app}/timing")
    settled(tab)
    tab.get_by_role("button", name="Measure").click()
    # The page may have shown an earlier run until now.
    tab.locator('[data-testid="summary"]', has_text="(measured)").wait_for(timeout=60_000)
    tab.get_by_role("heading", name="Who worked when").wait_for()
    tab.locator('[data-testid="stVegaLiteChart"] svg path[aria-roledescription="bar"]').nth(3).wait_for()


def test_the_choice_stays_open_while_it_is_changed_beside_a_run(tab: Any, demo_app: str) -> None:
    open_page(tab, demo_app)
    choose_products(tab, 0)
    choose_languages(tab, "Spanish")
    press_translate(tab)
    wait_for_the_end(tab)
    box = tab.locator("details", has=tab.locator("summary", has_text="What to translate"))
    assert box.get_attribute("open") is None
    for action in (box.locator("summary"), tab.get_by_role("button", name="All 24")):
        action.click()
        settled(tab)
    tab.get_by_text("What to translate: 24 products, 1 language").wait_for()
    assert box.get_attribute("open") is not None
