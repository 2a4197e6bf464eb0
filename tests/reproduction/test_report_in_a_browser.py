"""The report of the committed tables in a real browser: what stands where, at the width of a desk and of a phone."""

import os
import re
import shutil
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from perceptron_pruning.reproduction.reporting.content import beside
from perceptron_pruning.reproduction.run import report_on
from perceptron_pruning.reproduction.suites import PAPER, REAL_DATA

COMMITTED = Path(__file__).parents[2] / "figures"
DESK, PHONE = (1200, 900), (390, 844)  # width and height of a window, CSS pixels
LARGEST = 12 * 2**20  # bytes of a page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, and the pages are shown to nobody")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Both reports, made of the committed tables and pictures."""
    folder = tmp_path_factory.mktemp("pages") / "figures"
    shutil.copytree(COMMITTED, folder, ignore=shutil.ignore_patterns("*.zarr", "experiments", "*.py", "__pycache__"))
    (folder / "report.html").touch()  # each leads to the other
    report_on(folder / "real_data", REAL_DATA.full, REAL_DATA)
    report_on(folder, PAPER.full, PAPER)
    return folder / "report.html", folder / "real_data" / "report.html"


@pytest.fixture(scope="module")
def browser():
    with Browser() as window:
        yield window


@pytest.fixture(params=[0, 1], ids=["theory", "real data"])
def page(request, pages):
    return pages[request.param]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_first_picture_is_near_and_nothing_scrolls_sideways(page, browser, size):
    browser.open(page, width=size[0], height=size[1])
    unfolded = "document.querySelectorAll('details').forEach(d => d.open = true)"
    top = "Math.round(document.querySelector('img').getBoundingClientRect().top + scrollY)"
    assert browser.ask(top) <= (1200 if size == DESK else 2 * PHONE[1])
    for _ in range(2):  # folded, and unfolded
        assert browser.ask("document.documentElement.scrollWidth") <= size[0]
        browser.ask(unfolded)
    assert page.stat().st_size <= LARGEST


def test_a_page_that_scrolls_sideways_is_found_out(pages, browser):
    browser.open(pages[0], width=PHONE[0], height=PHONE[1])
    browser.ask("document.body.insertAdjacentHTML('beforeend', '<div style=\"width:900px\">wide</div>')")
    assert browser.ask("document.documentElement.scrollWidth") > PHONE[0]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_sliders_open_in_the_page(pages, browser, size):
    browser.open(pages[0], width=size[0], height=size[1])
    browser.ask("document.querySelector('iframe').closest('details').open = true")
    shown = "document.querySelector('iframe').contentDocument.getElementById('{}')"
    browser.ask("new Promise(done => setTimeout(done, 300))")
    assert browser.ask(f"{shown.format('sentence')}.textContent").startswith("At this size keep the easy ones")
    fits = "document.querySelector('iframe').contentDocument.documentElement"
    assert browser.ask(f"{fits}.scrollHeight <= {fits}.clientHeight + 1 && {fits}.scrollWidth <= {fits}.clientWidth")


def test_every_picture_is_decoded_and_says_what_it_shows(page, browser):
    browser.open(page, width=DESK[0], height=DESK[1])
    assert browser.ask("[...document.images].every(i => i.naturalWidth > 300 && i.alt.length > 20)")


def test_every_link_leads_to_something(page, browser):
    browser.open(page, width=DESK[0], height=DESK[1])
    inner = browser.ask("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))")
    assert len(inner) > 40
    assert browser.ask(f"{inner}.filter(id => !document.getElementById(id))") == []
    outer = browser.ask("[...document.querySelectorAll('a:not([href^=\"#\"])')].map(a => a.getAttribute('href'))")
    files = [page.parent / address.partition("#")[0] for address in outer]
    assert [os.path.relpath(path, page.parent) for path in files if not path.exists()] == []
    assert page.parent / "claims.csv" in files


def test_every_badge_opens_the_rows_that_it_counts(page, browser):
    browser.open(page, width=DESK[0], height=DESK[1])
    badges = browser.ask(
        "[...document.querySelectorAll('.matrix a.badge[href^=\"#\"]')].map(a => [a.getAttribute('href'), a.title])"
    )
    assert len(badges) > 15
    address, _ = badges[-1]
    seen = f"document.querySelector('{address} li').checkVisibility({{contentVisibilityAuto: true}})"
    tall = f"document.querySelector('{address}').getBoundingClientRect().height"
    folded = browser.ask(tall)
    browser.ask(f"document.querySelector('.matrix a[href=\"{address}\"]').click()")
    assert browser.ask(tall) > 2 * folded
    assert browser.ask(seen)
    rows = "document.querySelector('{}').querySelectorAll('li').length"
    for address, told in badges:
        of_several = re.search(r" of (\d+) rows$", told)
        counted = int(of_several[1]) if of_several else 1
        if ", theory:" not in told:
            assert browser.ask(rows.format(address)) == counted, told


def test_folds_open(page, browser):
    browser.open(page, width=PHONE[0], height=PHONE[1])
    height = "document.documentElement.scrollHeight"
    before = browser.ask(height)
    browser.ask("document.querySelectorAll('summary').forEach(s => s.click())")
    assert browser.ask(height) > 1.5 * before


def test_dark_and_light_differ_and_can_be_read(page, browser):
    colours = (
        "['color', 'background-color'].map(name => getComputedStyle(document.body)[name].match(/\\d+/g).map(Number))"
    )
    for dark in (False, True):
        browser.open(page, width=DESK[0], height=DESK[1], dark=dark)
        ink, paper = (sum(colour[:3]) for colour in browser.ask(colours))
        assert abs(ink - paper) > 450
        assert (paper < ink) == dark


def test_reports_lead_to_each_other(pages):
    assert beside(pages[0].parent).folder == "real_data"
    assert beside(pages[1].parent).folder == ".."
    assert "real_data/report.html#matrix" in pages[0].read_text(encoding="utf-8")
    assert "../report.html#matrix" in pages[1].read_text(encoding="utf-8")
