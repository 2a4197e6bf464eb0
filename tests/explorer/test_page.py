"""The page in a real browser: sliders moved as a user moves them."""

import numpy as np
import pytest
from webdriver import CHROMIUM, DRIVER, RIGHT, browser

from perceptron_pruning.explorer.students import ALPHAS
from replica_theory import KeepHardest, TrainedProbe, empirical_risk

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


def test_a_move_during_refinement_is_answered_for_the_new_state(door, tmp_path):
    """The old picture's refinement, seconds long, ends; the new one's numbers are the theory's, then and when whole."""
    with browser(tmp_path) as window:
        trained = "abscissa=kept&alpha=4&probe=trained&probe_ridge=0.2&student=logistic&ridge=0.05"
        window.open(f"{door.url}?{trained}#best_fraction")
        window.wait(lambda: "points are solved" in refinement(window))
        assert window.run("return document.body.dataset.complete") == "false"
        window.click("[data-view=error]")
        window.press("input[name=keep_fraction]", RIGHT)
        window.wait(lambda: answered(window))
        search = window.run("return location.search.slice(1)")
        assert "keep_fraction=0.305" in search
        rule, setting = KeepHardest(0.305), {"loss": "logistic", "ridge": 0.05, "probe": TrainedProbe("logistic", 0.2)}
        shown = window.run("return [...document.querySelectorAll('#numbers div')].map(entry => entry.innerText)")
        error = empirical_risk(4.0, selection=rule, **setting).generalization_error
        assert shown[0].split("\n") == ["ε, hard", f"{error:.5f}"]
        assert refinement(window) == ""
        curve = {one["key"]: one["y"] for one in door.chart(search)["series"]}["hardest"]
        whole = empirical_risk(ALPHAS, selection=rule, **setting).generalization_error
        np.testing.assert_allclose(curve, whole, rtol=1e-7)


def refinement(window) -> str:
    """What the page says of the points that are not solved yet."""
    return window.run("return document.querySelector('#picture .refined')?.textContent ?? ''")
