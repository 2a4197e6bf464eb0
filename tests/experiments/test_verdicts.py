"""Verdicts on tables whose answer is known: each turns when the data do."""

import numpy as np
import pytest
import xarray as xr

from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED, UNDECIDED
from perceptron_pruning.experiments.analysis.end_to_end import agrees_with_embeddings
from perceptron_pruning.experiments.analysis.judge import judge
from perceptron_pruning.experiments.analysis.metric_claims import (
    benchmark,
    best_metric,
    best_metric_helps,
    label_free_suffices,
)
from perceptron_pruning.experiments.analysis.scaling import bend, compare_laws, envelope, exponent
from perceptron_pruning.experiments.analysis.scaling_claims import envelope_claims, fixed_fraction_is_power_law
from perceptron_pruning.experiments.analysis.size_claims import class_floor_helps, size_decides
from perceptron_pruning.experiments.plan import AXES

SIZES = np.array([100, 200, 400, 800, 1600, 3200])
FRACTIONS = np.array([0.25, 0.5, 1.0])
METRICS = ("self_supervised_prototypes", "el2n", "memorization")


def table(error, *, noise=0.01, seeds=6, floors=(0.5,), metrics=METRICS[:1]) -> xr.Dataset:
    """Errors error(metric, rule, floor, pool, fraction) times (1 + noise), independent."""
    rules = ("random", "hard", "easy")
    values = np.array(
        [[[[[error(m, r, c, n, f) for f in FRACTIONS] for n in SIZES] for c in floors] for r in rules] for m in metrics]
    )[None, ..., None]
    rng = np.random.default_rng(5)
    draws = values * np.exp(noise * rng.standard_normal((*values.shape[:-1], seeds)))
    labels = dict(zip(AXES, (["softmax"], list(metrics), list(rules), list(floors), SIZES, FRACTIONS), strict=True))
    return xr.Dataset({"test_error": ((*AXES, "seed"), draws)}, labels | {"seed": np.arange(seeds)})


def crossing(m, rule, c, n, f):
    """Hard hurts below 600 and helps above."""
    return n**-0.5 * (n / 600) ** (-0.1 if rule == "hard" and f < 1 else 0)


def point_of(data: xr.Dataset, **labels) -> xr.DataArray:
    return data.test_error.isel(student=0, class_floor=0, metric=0).sel(**labels)


@pytest.mark.parametrize(
    ("error", "noise", "verdict"),
    [
        (crossing, 0.01, CONFIRMED),
        (lambda m, r, c, n, f: n**-0.5 * (0.9 if r == "hard" else 1), 0.01, REFUTED),
        (lambda m, r, c, n, f: n**-0.5 * (1.1 if r == "hard" else 1), 0.01, REFUTED),
        (lambda m, r, c, n, f: n**-0.5, 0.05, UNDECIDED),
    ],
    ids=["crosses", "always helps", "always hurts", "no difference"],
)
def test_size_decides(error, noise, verdict):
    assert size_decides(point_of(table(error, noise=noise), keep_fraction=0.5), "").verdict == verdict


@pytest.mark.parametrize(
    ("error", "noise", "verdict"),
    [
        (lambda m, r, c, n, f: n**-0.5, 0.01, CONFIRMED),
        (lambda m, r, c, n, f: n**-0.5 + 0.05, 0.01, REFUTED),
        (lambda m, r, c, n, f: np.exp(-n / 1000), 0.01, REFUTED),
        (lambda m, r, c, n, f: n**-0.5, 0.5, UNDECIDED),
    ],
    ids=["power law", "with a floor", "exponential", "noise"],
)
def test_power_law(error, noise, verdict):
    assert fixed_fraction_is_power_law(point_of(table(error, noise=noise), keep_fraction=0.5), "").verdict == verdict


def faster(m, rule, c, n, f):
    """Hard: an exponential in what is kept; random: a power law."""
    return 0.4 * np.exp(-f * n / 500) if rule == "hard" and f < 1 else (f * n) ** -0.2


@pytest.mark.parametrize(
    ("error", "verdicts"),
    [
        (faster, [CONFIRMED, CONFIRMED]),
        (lambda m, r, c, n, f: (f * n) ** -0.2, [UNDECIDED, UNDECIDED]),
        (lambda m, r, c, n, f: (f * n) ** -0.5 + 0.05, [UNDECIDED, REFUTED]),
        (lambda m, r, c, n, f: (f * n) ** -0.3 * (0.8 if r == "hard" and f < 1 else 1), [CONFIRMED, UNDECIDED]),
    ],
    ids=["exponential", "as random", "floor", "a constant factor"],
)
def test_envelope(error, verdicts):
    found = envelope_claims(point_of(table(error, noise=0.02)), "")
    assert [claim.verdict for claim in found] == verdicts


def test_errors_without_a_logarithm_or_scatter_are_under_no_law():
    def best_is_right(m, r, c, n, f):
        return 0.0 if n > 800 and r == "hard" and f < 1 else n**-0.5

    statements = [claim.statement for claim in judge(table(best_is_right))]
    assert not any("power law" in statement for statement in statements)
    same = list(envelope_claims(point_of(table(crossing, noise=0.0)), ""))
    assert not any("faster" in claim.statement for claim in same)
    with pytest.raises(ValueError, match="`errors` must differ between seeds"):
        compare_laws(SIZES, np.full((3, SIZES.size), 0.1))


def test_the_envelope_is_not_chosen_by_noise():
    """Twenty tables in which every fraction is as good: the envelope must not look better than random."""
    gains = []
    for seed in range(20):
        errors = table(lambda m, r, c, n, f: (f * n) ** -0.2, noise=0.0)
        rng = np.random.default_rng(seed)
        errors = errors * np.exp(0.2 * rng.standard_normal(errors.test_error.shape))
        best = envelope(point_of(errors))
        gains.append(np.log(best.random / best.errors).mean())
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(20)
    assert np.std(gains) / np.sqrt(20) < 0.03  # the choice of the lowest of three would gain about 0.1


def test_envelope_finds_the_best_fraction():
    best = envelope(point_of(table(lambda m, r, c, n, f: (f * n) ** -0.5 * (1 + abs(f - 0.25)))))
    assert list(best.kept) == [100, 200, 400, 800, 1600]
    assert list(best.keep_fraction) == [0.25, 0.25, 0.25, 0.25, 0.5]


def test_envelope_goes_between_pools_along_power_laws():
    """Fractions that hit no other pool's size exactly give the same envelope, where error is a power law."""
    errors = point_of(table(lambda m, r, c, n, f: (f * n) ** -0.5 * (0.8 if f < 1 else 1), noise=0))
    shifted = errors.assign_coords(keep_fraction=[0.3, 0.6, 1.0])
    kept = np.array([[round(f * n) for f in (0.3, 0.6)] for n in SIZES])
    shifted.loc[{"keep_fraction": [0.3, 0.6]}] = 0.8 * kept[None, ..., None] ** -0.5
    best = envelope(shifted)
    assert list(best.kept) == [100, 200, 400, 800, 1600]
    np.testing.assert_allclose(best.errors, 0.8 * best.random, rtol=1e-12)


def test_envelope_needs_its_baseline():
    with pytest.raises(ValueError, match="`keep_fractions` must include 1"):
        envelope(point_of(table(crossing)).isel(keep_fraction=[0, 1]))
    with pytest.raises(ValueError, match="as large as another whole one"):
        envelope(point_of(table(crossing)).isel(pool_size=[0]))
    with pytest.raises(ValueError, match="`errors` must be > 0"):
        envelope(point_of(table(lambda m, r, c, n, f: 0.0)))


@pytest.mark.parametrize(
    ("law", "name"),
    [
        (lambda p: 3 * p**-0.5, "power law"),
        (lambda p: 3 * p**-0.5 + 0.05, "power law with a floor"),
        (lambda p: 0.3 * np.exp(-p / 900), "exponential"),
    ],
    ids=["power", "floor", "exponential"],
)
def test_the_right_law_is_found(law, name):
    rng = np.random.default_rng(2)
    errors = law(SIZES) * np.exp(0.02 * rng.standard_normal((6, 6)))
    fits = compare_laws(SIZES, errors)
    assert fits[0].name == name
    assert {fit.name for fit in fits} >= {"power law", "exponential"}
    worst = max(fits, key=lambda fit: fit.aic)
    assert worst.held_out < fits[0].held_out


def test_laws_need_sizes():
    with pytest.raises(ValueError, match="at least 4 sizes"):
        compare_laws(SIZES[:3], np.ones((5, 3)))


def test_exponent_and_bend_by_hand():
    errors = np.outer([1.0, 2.0, 3.0], SIZES**-0.4)
    assert exponent(SIZES, errors).value == pytest.approx(-0.4)
    assert bend(SIZES, errors).value == pytest.approx(0, abs=1e-9)
    curved = np.exp(-0.05 * np.log(SIZES) ** 2)[None].repeat(3, 0)
    assert bend(SIZES, curved).value == pytest.approx(-0.1 * np.log(32))


@pytest.mark.parametrize(
    ("gain", "verdict"), [(1.2, CONFIRMED), (0.8, REFUTED), (1.0, UNDECIDED)], ids=["helps", "hurts", "nothing"]
)
def test_class_floor(gain, verdict):
    errors = table(lambda m, r, c, n, f: n**-0.5 * (gain if c == 0 else 1), floors=(0.5, 0.0), noise=0.03)
    found = class_floor_helps(errors.test_error.isel(student=0, metric=0).sel(keep_fraction=0.5), "")
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("loss", "verdict"), [(0.0, CONFIRMED), (0.03, REFUTED), (0.01, UNDECIDED)], ids=["equal", "worse", "at the limit"]
)
def test_label_free(loss, verdict):
    def error(metric, rule, c, n, f):
        return 0.2 + {METRICS[0]: loss, METRICS[1]: 0.0, METRICS[2]: 0.1}[metric]

    errors = table(error, metrics=METRICS, noise=0.01).test_error.isel(student=0, class_floor=0)
    assert label_free_suffices(errors.sel(keep_fraction=0.5), "").verdict == verdict


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.02, CONFIRMED), (-0.02, REFUTED), (0.0, UNDECIDED)], ids=["better", "worse", "equal"]
)
def test_best_metric(gain, verdict):
    def error(metric, rule, c, n, f):
        return 0.2 + (METRICS.index(metric) * 0.05 - gain if rule == "hard" else 0.0)

    errors = table(error, metrics=METRICS, noise=0.01).test_error.isel(student=0, class_floor=0)
    found = best_metric_helps(errors.sel(keep_fraction=0.5), "")
    assert found.verdict == verdict
    assert METRICS[0] in found.measured


def test_the_best_metric_is_not_chosen_by_noise():
    """Many metrics that are all as good as chance: the one that looks best must not look better than chance."""
    values = np.random.default_rng(0).normal(0.2, 0.01, (400, 15, 6))
    gains = []
    for metrics in values:
        errors = xr.DataArray(metrics, {"metric": [f"m{i}" for i in range(15)], "seed": range(6)})
        gains.append(0.2 - best_metric(errors, list(errors.metric.values))[1].mean())
    assert abs(np.mean(gains)) < 4 * np.std(gains) / 20
    assert np.std(gains) / 20 < 0.001  # choosing with one's own seed would gain about 0.007


def test_benchmark_ranks_by_error():
    def error(metric, rule, c, n, f):
        return 0.2 + (METRICS.index(metric) * 0.02 if rule == "hard" else 0.03)

    ranks = benchmark(table(error, metrics=METRICS, noise=0.001).test_error.isel(student=0, class_floor=0))
    assert [rank.metric for rank in ranks] == [*METRICS, *METRICS]
    assert [rank.keep_fraction for rank in ranks] == [0.25] * 3 + [0.5] * 3
    assert ranks[1].gain.value == pytest.approx(0.01, abs=0.002)


def test_all_that_the_axes_allow_is_judged():
    claims = [claim.statement for claim in judge(table(crossing, metrics=METRICS, floors=(0.5, 0.0)))]
    assert len(claims) == 3 * (2 + 2 + 2 + 2) + 2 + 2
    assert len(set(claims)) == 7


def test_four_seeds_decide_nothing():
    assert {claim.verdict for claim in judge(table(crossing, seeds=4))} == {UNDECIDED}
    assert CONFIRMED in {claim.verdict for claim in judge(table(crossing, seeds=5))}


def two_students(network, student) -> xr.DataArray:
    """Errors network(rule, pool) of a ResNet beside those of a softmax head."""
    draws = [table(lambda m, r, c, n, f, e=e: 0.2 - e(r, n)).test_error for e in (network, student)]
    both = xr.concat([own.drop_vars("student") for own in draws], "student").assign_coords(
        student=["resnet", "softmax"]
    )
    return both.isel(class_floor=0, metric=0).sel(keep_fraction=FRACTIONS[:2])


def flips_at(size):
    return lambda rule, n: {"random": 0, "hard": 0.03 if n > size else -0.03, "easy": -0.02}[rule]


@pytest.mark.parametrize(
    ("network", "student", "verdict"),
    [
        (flips_at(500), flips_at(500), CONFIRMED),
        (flips_at(1000), flips_at(500), REFUTED),
        (lambda rule, n: 0, flips_at(500), UNDECIDED),
    ],
    ids=["alike", "flips later", "no effect"],
)
def test_end_to_end(network, student, verdict):
    found = agrees_with_embeddings(two_students(network, student), "resnet", "softmax", "")
    assert found.verdict == verdict
    if verdict == REFUTED:
        assert "hard, f = 0.25, 800: -0.0" in found.measured
        opposite, decided = found.measurements
        assert (opposite.effect.value, decided.effect.value) == (2, 1.0)


def test_end_to_end_is_judged_where_there_is_a_network():
    errors = table(crossing)
    both = xr.concat([errors, errors.assign_coords(student=["resnet"])], "student")
    assert sum("end to end" in claim.statement for claim in judge(both)) == 1
    assert not any("end to end" in claim.statement for claim in judge(errors))
