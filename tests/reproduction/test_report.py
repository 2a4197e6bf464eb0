"""The report: one file that needs no other, readable without seeing the pictures, with the right numbers."""

import html
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.stats import norm

from perceptron_pruning.evidence.calibration import calibration
from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.explorer.static_page import framed_page
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.figures.theory.collection import FIGURES
from perceptron_pruning.figures.theory.settings import QUICK
from perceptron_pruning.figures.z_scores import draw
from perceptron_pruning.output.html import table
from perceptron_pruning.output.style import save_picture
from perceptron_pruning.reproduction.names import Z_SCORES
from perceptron_pruning.reproduction.report import write_reports
from perceptron_pruning.reproduction.reporting.content import Reproduction
from perceptron_pruning.reproduction.suites import PAPER

SPOKEN = Claim(
    statement="<b>Keep</b> & prune | or not",
    setting="N = 200",
    theory="exponent −1",
    measurements=(
        Measurement(quantity="gain", effect=Effect(value=-0.5, standard_error=0.05), criterion="above", theory=0.5),
    ),
    figure="1A",
    tested_on="simulation",
)


def rows(z_scores):
    return [
        {
            "z_score": z,
            "rule": "KeepHardest(0.4)",
            "probe_angle_degrees": 0.0,
            "alpha_prune": 1.0 + i,
            "n_features": 200,
        }
        for i, z in enumerate(z_scores)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def report(folder):
    found = calibration(rows(norm.ppf((np.arange(200) + 0.5) / 200)))
    save_picture(draw(found), folder / f"{Z_SCORES}.png")
    for name in FIGURES:
        (folder / f"{file_stem(name)}.png").write_bytes((folder / f"{Z_SCORES}.png").read_bytes())
    timings = [{"figure": name, "simulation": 1.25, "theory": 0.5, "drawing": 0.25} for name in FIGURES]
    write_reports(
        folder, Reproduction(suite=PAPER, settings=QUICK, claims=[SPOKEN], calibration=found, timings=timings)
    )
    return (folder / "report.html").read_text(encoding="utf-8"), (folder / "README.md").read_text(encoding="utf-8")


VOID = ("meta", "img", "br", "source")  # tags that have no end


class Reader(HTMLParser):
    """Collects the tags, and checks that they are nested."""

    def __init__(self, page):
        super().__init__()
        self.tags, self._open = [], []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def external(page):
    """What a browser would fetch, or leave this folder for: any address that is not within the page."""
    tags = Reader(page).tags
    fetched = [
        value
        for tag, attrs in tags
        for name, value in attrs.items()
        if name in ("src", "srcset", "data") or (name == "href" and (tag != "a" or ":" in value))
    ]
    forbidden = [name for name, _ in tags if name in ("script", "link", "iframe", "object", "embed", "base")]
    styles = re.findall(r"@import|url\(", page)
    return [a[:60] for a in fetched if not a.startswith(("data:", "#"))] + forbidden + styles


def test_the_page_fetches_nothing(report):
    """Beside the one frame of the sliders, which is within the page, and fetches nothing by its own test."""
    sliders = framed_page()
    assert report[0].count(sliders) == 1
    assert external(report[0].replace(sliders, "")) == []


@pytest.mark.parametrize(
    "added",
    ["<img src='figure.png' alt='a'>", "<script></script>", "<style>@import 'a.css'</style>", "<link rel='icon'>"],
    ids=["picture", "script", "style", "link"],
)
def test_a_page_that_fetches_is_found_out(report, added):
    page = report[0].replace("</main>", added.replace("<link rel='icon'>", "<link rel='icon'></link>") + "</main>")
    assert external(page) != []


def test_the_page_can_be_read_by_all(report):
    page = Reader(report[0])
    assert page.of("html") == [{"lang": "en"}]
    assert "width=device-width" in [meta.get("content", "") for meta in page.of("meta")][-1]
    images = page.of("img")
    assert len(images) == len(FIGURES) + 1
    assert all(len(image["alt"]) > 20 for image in images)
    assert len({image["alt"] for image in images}) == len(images)
    assert len(page.of("h1")) == 1
    assert all("scope" in head for head in page.of("th"))
    assert len([box for box in page.of("div") if box.get("class") == "wide"]) == len(page.of("table")) - 1  # the matrix
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_both_forms_have_claims_parameters_versions_and_timings(report):
    contents = ("refuted", "Against the theory's own prediction", "exponent −1", "n_trials", "60", "seed", "numpy")
    for text in map(html.unescape, report):
        for said in (*contents, "Glossary", "Commit", "What to see"):
            assert said in text
        for figure in FIGURES.values():
            assert figure.TITLE in text
        assert f"{1.25 * len(FIGURES):.1f}" in text
        assert "Kolmogorov–Smirnov" in text


def test_every_link_leads_somewhere(report, folder):
    page = Reader(report[0])
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [link["href"] for link in page.of("a")]
    assert {href[1:] for href in links if href.startswith("#")} <= ids
    files = {href.partition("#")[0] for href in links if not href.startswith("#")}
    assert {"claims.csv", "simulation.csv", "manifest.json", "figure_1a.csv"} <= files
    text = report[1]
    anchors = set(re.findall(r'<a id="([^"]+)"', text))
    inner = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert inner
    assert inner <= anchors
    assert set(re.findall(r"\]\(([^#)]+\.(?:csv|png|json))\)", text)) <= files | {
        path.name for path in folder.iterdir()
    }


def test_what_is_said_is_not_taken_for_markup(report):
    page, text = report
    assert "&lt;b&gt;Keep&lt;/b&gt; &amp; prune" in page
    assert "<b>Keep" not in page
    (line,) = [line for line in text.splitlines() if line.startswith("|") and "prune \\| or not" in line]
    assert len(re.findall(r"(?<!\\)\|", line)) == 9


def test_numbers_stand_right():
    assert "<td class='number'>0.25</td><td>KeepRandom()</td>" in table(("a", "b"), [("0.25", "KeepRandom()")])


# calibration


def test_a_standard_normal_is_found_calibrated():
    found = calibration(rows(norm.ppf((np.arange(400) + 0.5) / 400)))
    assert found.mean == pytest.approx(0.0, abs=1e-12)
    assert found.standard_deviation == pytest.approx(1.0, abs=0.02)
    assert found.ks_p > 0.99


@pytest.mark.parametrize("wrong", [lambda z: z + 0.3, lambda z: 1.5 * z], ids=["shifted", "too wide"])
def test_wrong_uncertainties_are_found_out(wrong):
    assert calibration(rows(wrong(norm.ppf((np.arange(400) + 0.5) / 400)))).ks_p < 0.01


def test_the_worst_point_is_named():
    found = calibration(rows([0.1, -3.5, 1.0]))
    assert found.worst["z_score"] == -3.5
    assert "largest |z| = 3.50 at KeepHardest(0.4), θ = 0°, α_prune = 2, N = 200" in str(found)


@pytest.mark.parametrize(
    ("z_scores", "message"),
    [([1.0], "`rows` must be at least 2; got 1"), ([0.0, float("nan")], "`rows` must have finite z-scores; got nan")],
    ids=["one", "not a number"],
)
def test_no_calibration_without_numbers(z_scores, message):
    with pytest.raises(ValueError, match=message):
        calibration(rows(z_scores))
