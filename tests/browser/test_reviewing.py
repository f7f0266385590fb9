"""What is typed into the review is still there after a refresh in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ketl.simulator.config import ScriptedFault, SimulatorConfig
from ketl.simulator.launcher import start_simulator
from tests.browser.conftest import serve
from tests.browser.test_translating import (
    choose_languages,
    choose_products,
    open_page,
    press_translate,
    settled,
    wait_for_the_end,
)

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def failing_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app whose provider refuses every text, so that each waits in the review."""
    config = SimulatorConfig(plan="unlimited", time_scale=0, script=(ScriptedFault("refusal", times=None),))
    with (
        start_simulator(config=config) as provider,
        serve(tmp_path_factory.mktemp("failing"), GROQ_API_KEY="a-key", GROQ_BASE_URL=provider.base_url) as address,
    ):
        yield address


def test_a_correction_outlives_leaving_and_a_refresh(tab: Any, failing_app: str) -> None:
    open_page(tab, failing_app)
    choose_products(tab, 0, 1)
    choose_languages(tab, "Arabic")
    press_translate(tab)
    wait_for_the_end(tab)
    tab.get_by_role("link", name="Review").click()
    settled(tab)
    box = tab.locator("textarea").first
    box.press_sequentially("سترة")
    tab.reload()  # in the middle of a word, which the server does not know yet
    tab.get_by_text("Not saved yet").wait_for()
    settled(tab)
    playwright_api.expect(box).to_have_value("سترة")
    playwright_api.expect(tab.locator("textarea").nth(1)).to_have_value("")
    box.fill("سترة 121g و UPF 50+")
    tab.get_by_role("link", name="Timing").click()
    settled(tab)
    tab.get_by_role("link", name="Review").click()
    settled(tab)
    playwright_api.expect(box).to_have_value("سترة 121g و UPF 50+")
    tab.get_by_text("Not saved yet").wait_for()
    playwright_api.expect(tab.locator("bdi", has_text="121g")).to_have_count(1)
    box.fill("سترة دافئة")
    box.press("Control+Enter")
    settled(tab)
    box.press_sequentially(" جدا")  # sent before, and typed on
    tab.reload()
    settled(tab)
    tab.get_by_text("Not saved yet").wait_for()
    playwright_api.expect(box).to_have_value("سترة دافئة جدا")
    settled(tab)
    second = tab.locator("textarea").nth(1).get_attribute("aria-label"), tab.locator(".k-field").nth(1).inner_text()
    tab.get_by_role("button", name="Save").first.click()
    tab.get_by_role("button", name="Clear away 1 decided").wait_for()
    settled(tab)
    playwright_api.expect(tab.locator("textarea")).to_have_count(4)
    after = tab.locator("textarea").first.get_attribute("aria-label"), tab.locator(".k-field").first.inner_text()
    assert after == second or second[1].startswith("As it will read")
