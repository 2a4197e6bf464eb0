"""The page in a real browser: sliders moved as a user moves them."""

import pytest
from webdriver import CHROMIUM, DRIVER, RIGHT, browser

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs a Chromium and its chromedriver on the path (Debian: chromium-driver)"
)


def answered(window) -> bool:
    """Whether the page shows the address's state, complete."""
    done = window.run("return [document.body.dataset.answered, document.body.dataset.complete, location.search]")
    return done[0] is not None and done[0].partition("?")[2] == done[2][1:] and done[1] == "true"


def test_sliders_move_the_theory(door, tmp_path):
    with browser(tmp_path) as window:
        window.open(door.url)
        window.wait(lambda: answered(window))
        first = window.text("#sentence")
        assert first.startswith("At this size keep the easy ones")
        assert len(window.run("return [...document.querySelectorAll('path.curve')].map(c => c.getAttribute('d'))")) == 3

        window.drag("input[name=alpha]", 80)
        window.wait(lambda: answered(window))
        assert window.text("#sentence").startswith("At this size keep the hard ones")
        window.press("input[name=keep_fraction]", 5 * RIGHT)
        window.wait(lambda: answered(window))
        search = window.run("return location.search.slice(1)")
        shown = window.text("#sentence")
        assert shown == door.chart(search)["sentence"]

        window.press("input[name=label_noise]", RIGHT)  # which the max-margin student does not take
        window.wait(lambda: answered(window))
        assert window.text("#problem").startswith("the max-margin student needs clean labels")
        window.press("select[name=student]", "hinge")
        window.wait(lambda: answered(window))
        assert window.run("return document.getElementById('problem').hidden")

        window.open(door.url + "?" + search)  # the same address is the same state
        window.wait(lambda: answered(window))
        assert window.text("#sentence") == shown
        window.click("[data-view=best_rule]")
        window.wait(lambda: window.text("#sentence").startswith("The best rule keeps quantiles"))
        window.click("[data-view=error]")
        window.wait(lambda: window.text("#sentence") == shown)
        window.click("#svg")
        window.wait((tmp_path / "explore.svg").exists)
        assert "var(--hardest)" in (tmp_path / "explore.svg").read_text(encoding="utf-8")
        errors = [
            entry["message"] for entry in window("POST", "/se/log", type="browser") if entry["source"] == "javascript"
        ]
        assert errors == []


def test_a_phone_shows_it_without_scrolling_sideways(door, tmp_path):
    with browser(tmp_path, width=390, height=844, phone=True) as window:
        window.open(door.url + "?rule=window&probe=trained&student=square")
        window.wait(lambda: answered(window))
        assert window.run("return document.documentElement.scrollWidth") == 390
