"""An audit of the committed claims: a second reading of the tables, with nothing of the code that wrote the verdicts.

Every number of figures/claims.csv is computed again from the figures' tables by the few lines below, and every verdict,
those on real data too, from the numbers in its row alone.
"""

import csv
import math
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

FIGURES = Path(__file__).parents[2] / "figures"
LARGEST_Z, FEWEST_SEEDS = 5.0, 5


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def table(name):
    return read(FIGURES / f"figure_{name.lower()}.csv")


ROWS = read(FIGURES / "claims.csv")
REAL = read(FIGURES / "real_data" / "claims.csv")
IDS = [f"{place}-{row['figure']}" for place, row in enumerate(ROWS)]


# every number


def where(rows, **wanted):
    """Rows whose columns have these values, numbers to nine digits."""

    def same(text, value):
        return (
            text == value if isinstance(value, str) else text != "" and math.isclose(float(text), value, rel_tol=1e-9)
        )

    return [row for row in rows if all(same(row[name], value) for name, value in wanted.items())]


def dots(rows, **wanted):
    return where(rows, kind="simulation", **({"student": "max_margin"} if "student" in rows[0] else {}), **wanted)


def log_error(row):
    """(ln ε, its standard error)."""
    return math.log(float(row["simulation"])), float(row["standard_error"]) / float(row["simulation"])


def rate(first, second, run):
    """(ln ε of the second − ln ε of the first)/run with its standard error."""
    (a, da), (b, db) = log_error(first), log_error(second)
    return (b - a) / run, math.hypot(da, db) / abs(run)


def named(text, name):
    """The number after ``name = `` in a text."""
    return float(re.search(rf"{name} = ([-\d.e+]+)", text)[1])


def hardest(f):
    return f"KeepHardest(keep_fraction={f}, label_aware=False)"


def best(alpha, degrees):
    """The simulated rule that theory puts lowest among the hardest fractions f ≥ .1 of figures 1A and 2CDE."""
    rows = [
        row
        for name in ("1A", "2CDE")
        for row in dots(table(name), alpha_prune=alpha, probe_angle_degrees=degrees)
        if row["rule"].startswith("KeepHardest") and float(row["keep_fraction"]) >= 0.1
    ]
    return min(rows, key=lambda row: float(row["theory"]))


def z_scores_of(row):
    if row["figure"] == "all":
        return [r for r in read(FIGURES / "simulation.csv") if r["probe"] == "exact"]
    if row["figure"] == "own_probe":
        rows = [r for name in ("own_probe", "memory", "gradient_steps") for r in where(table(name), kind="simulation")]
        return [r for r in rows if r.get("batches", "") in ("", "1")]
    return where(table("order_parameters"), kind="simulation")


def precision(row):
    """Median of standard error over theory among the points that a claim rests on."""
    rows = {
        "all": lambda: z_scores_of(row),
        "order_parameters": lambda: z_scores_of(row),
        "own_probe": lambda: z_scores_of(row),
        "finite_size": lambda: where(table("finite_size"), kind="extrapolation"),
        "trained_probe": lambda: where(table("trained_probe"), kind="simulation", probe="trained"),
    }[row["figure"]]()
    return float(np.median([abs(float(r["standard_error"]) / float(r["theory"])) for r in rows])), 0.0


def gain_at_an_extreme_pool(row):
    pool = named(row["setting"], "α_total")
    rows = [r for r in dots(table("1B")) if math.isclose(float(r["alpha_total"]), pool, rel_tol=1e-2)]
    own_rule = "KeepEasiest" if "scarce" in row["claim"] else "KeepHardest"
    (own,) = (r for r in rows if r["rule"].startswith(own_rule))
    rivals = [r for r in rows if not r["rule"].startswith(own_rule)]
    return min(rate(own, rival, 1.0) for rival in rivals)


def gain_of_hard(row):
    f, pool = named(row["quantity"], "f"), named(row["quantity"], "α_total")
    lines = where(table("1C"), kind="simulation", keep_fraction=f)
    (point,) = (r for r in lines if math.isclose(float(r["alpha_total"]), pool, rel_tol=1e-2))
    return -float(point["simulation"]), float(point["standard_error"])


def crossing(row):
    (point,) = where(table("1C"), kind="simulated crossover", keep_fraction=named(row["quantity"], "f"))
    return float(point["alpha_total"]), float(point["standard_error"])


def crossing_allowance(row):
    """1/16 of the gap between the simulated pools on both sides."""
    pools = sorted(
        float(r["alpha_total"])
        for r in where(table("1C"), kind="simulation", keep_fraction=named(row["quantity"], "f"))
    )
    place = float(row["measured"])
    return (min(p for p in pools if p >= place) - max(p for p in pools if p < place)) / 16


def fixed_fraction(row):
    (first,), (last,) = (dots(table("1A"), rule=hardest(0.4), alpha_prune=alpha) for alpha in (3.0, 8.0))
    return rate(first, last, math.log(8 / 3))


def theory_exponent(first, last):
    return math.log(float(last["theory"]) / float(first["theory"])) / math.log(
        float(last["alpha_prune"]) / float(first["alpha_prune"])
    )


def frontier_exponent(degrees):
    return rate(best(1.0, degrees), best(3.0, degrees), math.log(3))


def change_of_rate(row):
    points = [best(alpha, 0.0) for alpha in (1.0, 3.0, 5.0)]
    (early, d_early), (late, d_late) = rate(*points[:2], -2.0), rate(*points[1:], -2.0)
    return early - late, math.hypot(d_early, d_late)


def shallower(row):
    (imperfect, di), (perfect, dp) = frontier_exponent(20.0), frontier_exponent(0.0)
    return imperfect - perfect, math.hypot(di, dp)


def along_fraction(row):
    alpha = named(row["quantity"], "α")
    (many,), (few,) = (dots(table("transition"), rule=hardest(f), alpha_prune=alpha) for f in (0.3, 0.001))
    return rate(many, few, math.log(0.001 / 0.3))


def shrinking(column):
    rows = where(table("transition" if column == "theory" else "1F"), kind="shrinking")
    points = sorted((float(r["alpha_prune"]), float(r[column])) for r in rows)
    points = [(a, v) for a, v in points if 3.0 <= a <= 12.0]
    values = [(a, math.log(v) if column == "theory" else v) for a, v in points]
    return [(v - w) / (b - a) for (a, v), (b, w) in pairwise(values)]


def simulated_shrinking(row):
    (first,), (last,) = (
        dots(table("transition"), rule=hardest(f), alpha_prune=alpha) for alpha, f in ((3.0, 0.03), (5.0, 0.001))
    )
    return rate(first, last, -2.0)


def gains(f):
    return {
        float(r["alpha_prune"]): float(r["information_gain"])
        for r in where(table("1F"), kind="theory", keep_fraction=f)
    }


def information(row):
    pruned, random = gains(0.1), gains(1.0)
    if "over its peak" in row["quantity"]:
        return min(pruned.items(), key=lambda item: abs(item[0] - 8.0))[1] / max(pruned.values()), 0.0
    return min(pruned[alpha] / random[alpha] for alpha in pruned), 0.0


def optimal(row):
    rows = dots(table("optimal_rule"), probe_angle_degrees=20.0, alpha_total=named(row["setting"], "α_total"))
    (own,) = (r for r in rows if r["rule"].startswith("KeepWindows"))
    return min(rate(own, r, 1.0) for r in rows if r["rule"].startswith(("KeepHardest", "KeepEasiest")))


def label_aware(row):
    rows = dots(table("label_aware"), alpha_prune=named(row["setting"], "α_prune"), label_noise=0.0)
    agnostic, aware = (
        where(rows, rule=f"KeepHardest(keep_fraction=0.4, label_aware={aware})") for aware in ("False", "True")
    )
    return rate(aware[0], agnostic[0], 1.0)


def trained(row):
    rows = where(
        table("trained_probe"),
        kind="simulation",
        probe="trained",
        keep_fraction=named(row["quantity"], "f"),
        alpha_prune=named(row["quantity"], "α"),
    )
    theory = float(rows[0]["theory"])
    return (float(rows[0]["simulation"]) - float(rows[0]["finite_size"])) / theory, float(
        rows[0]["standard_error"]
    ) / theory


def own_pool(name, **wanted):
    (point,) = where(table(name), **wanted)
    return point


def own_half(row):
    """ln ε of the hardest half by its own probe, less that of the whole pool."""
    point = own_pool("own_probe", kind="simulation", rule=hardest(0.5), alpha_total=named(row["setting"], "α_total"))
    whole = own_pool("own_probe", kind="whole pool", alpha_total=named(row["setting"], "α_total"))
    value, error = log_error(point)
    return value - math.log(float(whole["theory"])), error


def own_easy(row):
    place = {"kind": "simulation", "alpha_total": named(row["setting"], "α_total")}
    hard, easy = (
        own_pool("own_probe", rule=f"{rule}(keep_fraction=0.4, label_aware=False)", **place)
        for rule in ("KeepHardest", "KeepEasiest")
    )
    return rate(easy, hard, 1.0)


def rounds(row):
    rule = {"hard": "KeepHardest", "easy": "KeepEasiest"}[row["quantity"].rpartition(" ")[2]]
    rows = where(table("memory"), kind="simulation", panel="rounds")
    once, last = ([r for r in where(rows, rounds=count) if r["rule"].startswith(rule)] for count in (1.0, 3.0))
    return rate(last[0], once[0], 1.0)


def extrapolated(row):
    (limit,) = where(table("finite_size"), kind="extrapolation", setting=row["quantity"].partition("theory's, ")[2])
    theory = float(limit["theory"])
    return float(limit["simulation"]) / theory, float(limit["standard_error"]) / theory


def images(row):
    f, pool = named(row["setting"], "f"), float(re.search(r", (\d+) images", row["setting"])[1])
    own = "easy" if "scarce" in row["claim"] else "hard"
    errors = defaultdict(dict)
    for r in where(table("embeddings"), kind="measured", keep_fraction=f, pool_size=pool):
        errors[r["rule"]][r["seed"]] = float(r["test_error"])
    differences = [
        np.array([100 * (errors[rival][seed] - errors[own][seed]) for seed in errors[own]])
        for rival in errors
        if rival != own
    ]
    least = min(differences, key=lambda values: values.mean())
    return least.mean(), least.std(ddof=1) / math.sqrt(least.size)


def exact_theory(row):
    """Numbers of the theory in its own limit, from an evaluation of our own at the two ends."""
    from replica_theory import KeepHardest, max_margin, pareto_frontier

    if row["figure"] == "1A":
        errors, ratio = max_margin([1e3, 1e4], selection=KeepHardest(0.4)).generalization_error, 10.0
    else:
        frontier = pareto_frontier([100.0, 1000.0], probe_angle=math.radians(20), min_keep_fraction=1e-3)
        errors, ratio = frontier.generalization_error, 10.0
    return math.log(errors[1] / errors[0]) / math.log(ratio) + 1, 0.0


READINGS = [
    (r"^largest \|z\|", lambda row: (max(abs(float(r["z_score"])) for r in z_scores_of(row)), 0.0)),
    (r"^Kolmogorov", lambda row: (stats.kstest([float(r["z_score"]) for r in z_scores_of(row)], "norm").pvalue, 0.0)),
    (r"^Shapiro", lambda row: (stats.shapiro([float(r["z_score"]) for r in z_scores_of(row)]).pvalue, 0.0)),
    (r"^median of standard error", precision),
    (r"^extrapolated", extrapolated),
    (r"next best rule / error", gain_at_an_extreme_pool),
    (r"^ln\(ε of easy", gain_of_hard),
    (r"^α_total at which", crossing),
    (r"^theory's exponent", exact_theory),
    (r"^exponent from α = 3", fixed_fraction),
    (r"^its standard error", lambda row: (fixed_fraction(row)[1] / abs(reference_exponent()), 0.0)),
    (r"less that at θ = 0$", shallower),
    (r"^exponent from α = 1 to 3$", lambda row: frontier_exponent(0.0)),
    (r"^decay rate", change_of_rate),
    (r"^theory's least −Δln ε", lambda row: (min(shrinking("theory")), 0.0)),
    (r"^−Δln ε/Δα between", simulated_shrinking),
    (r"^d ln ε/d ln f", along_fraction),
    (r"^least −ΔS", lambda row: (min(shrinking("entropy")) / max(shrinking("entropy")), 0.0)),
    (r"I\(f = 0.1\)|I at α", information),
    (r"optimal rule\)$", optimal),
    (r"label-aware error\)$", label_aware),
    (r"finite-size term\) / theory", trained),
    (r"^ln\(error of the kept half", own_half),
    (r"^ln\(error of hard / error of easy\), own", own_easy),
    (r"^ln\(error of one round", rounds),
    (r"percentage points$", images),
]


def reference_exponent():
    (first,), (last,) = (dots(table("1A"), rule=hardest(0.4), alpha_prune=alpha) for alpha in (3.0, 8.0))
    return theory_exponent(first, last)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_number_is_that_of_the_tables(row):
    reading = next(function for pattern, function in READINGS if re.search(pattern, row["quantity"]))
    value, standard_error = reading(row)
    assert float(row["measured"]) == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert float(row["standard_error"]) == pytest.approx(standard_error, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["criterion"] == "equal"], ids=lambda row: row["quantity"][:40]
)
def test_every_allowance_is_accounted_for(row):
    expected = 0.0
    if row["quantity"].startswith("α_total at which"):
        expected = crossing_allowance(row)
    elif "finite-size term) / theory" in row["quantity"]:
        (point,) = where(
            table("trained_probe"),
            kind="simulation",
            probe="trained",
            keep_fraction=named(row["quantity"], "f"),
            alpha_prune=named(row["quantity"], "α"),
        )
        expected = abs(float(point["finite_size_error"]) / float(point["theory"]))
    assert float(row["allowance"]) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert bool(row["allows_for"]) == (expected > 0)


# every verdict, from its row alone


def outcome(row):
    """What a row's printed numbers say: confirmed, refuted or undecided."""
    value, error = float(row["measured"]), float(row["standard_error"])
    freedom, reference = float(row["degrees_of_freedom"]), float(row["reference"])
    if freedom < FEWEST_SEEDS - 1:
        return "undecided"
    half = stats.t.ppf(0.975, freedom) * error if error else 0.0
    low, high = value - half, value + half
    assert [float(row["low"]), float(row["high"])] == pytest.approx([low, high], rel=1e-6, abs=1e-9)
    if row["criterion"] == "equal":
        scale = math.hypot(error, float(row["allowance"]))
        assert float(row["largest_z"]) == LARGEST_Z
        assert float(row["z_score"]) == pytest.approx((value - reference) / scale, rel=1e-6, abs=1e-6)
        return "confirmed" if abs(value - reference) <= LARGEST_Z * scale else "refuted"
    holds, fails = {
        "above": (low > reference, high < reference),
        "helps": (low > reference, high < reference),
        "below": (high < reference, low > reference),
        "hurts": (high < reference, low > reference),
        "within": (-reference < low and high < reference, low > reference or high < -reference),
    }[row["criterion"]]
    return "confirmed" if holds else "refuted" if fails else "undecided"


def verdict(rows):
    outcomes = [outcome(row) for row in rows if row["role"] == "test"]
    conditions = [outcome(row) for row in rows if row["role"] == "precondition"]
    if "refuted" in outcomes:
        return "refuted"
    if "undecided" in outcomes or any(condition != "confirmed" for condition in conditions):
        return "undecided"
    return "confirmed in this regime" if rows[0]["scope"] == "part" else "confirmed"


def by_claim(rows):
    claims = defaultdict(list)
    for row in rows:
        if row["quantity"]:
            claims[row["claim"], row["setting"]].append(row)
    return claims


@pytest.mark.parametrize("rows", [ROWS, REAL], ids=["theory", "real data"])
def test_every_verdict_follows_from_its_row(rows):
    claims = by_claim(rows)
    assert len(claims) >= 18
    for name, its_rows in claims.items():
        assert {row["verdict"] for row in its_rows} == {verdict(its_rows)}, name


@pytest.mark.parametrize("rows", [ROWS, REAL], ids=["theory", "real data"])
def test_every_row_says_help_or_hurt(rows):
    for row in rows:
        if row["criterion"] in ("helps", "hurts"):
            gain = outcome(row | {"criterion": "helps"})
            assert row["outcome"] == {"confirmed": "helps", "refuted": "hurts", "undecided": "no difference"}[gain]
