"""Students of several sources: the same equations by two engines, one source cut in parts, symmetries, refusals."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replica_theory import (
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    ProbitNoise,
    Source,
    StructuredInputs,
    StructuredSource,
    curated_risk,
    empirical_risk,
    mixed_risk,
    structured_mixed_risk,
    structured_risk,
)

D = 40
SOURCES = [
    Source(1.0),
    Source(
        2.0,
        KeepHardest(0.5),
        teacher=(1.0, 0.3),
        probe=(math.cos(0.3), 0.0, math.sin(0.3)),
        label_noise=0.1,
        weight=0.7,
    ),
    Source(0.5, KeepEasiest(0.4, label_aware=True), teacher=(0.8, -0.6), label_noise=0.05, weight=1.6),
]


def vector(components):
    return np.pad(np.asarray(components, dtype=float), (0, D - len(components)))


def structured(source, covariance=None):
    """The same source with inputs in D dimensions."""
    inputs = StructuredInputs.gaussian(
        np.ones(D) if covariance is None else covariance,
        teacher=vector(source.teacher),
        probe=vector(source.probe or source.teacher),
        label_noise=source.label_noise,
    )
    return StructuredSource(source.alpha_prune, inputs, source.selection, source.weight, source.sample_weight)


def rising(margin):
    return 1 + 0.5 * np.tanh(margin)


WEIGHTED = Source(1.2, KeepHardest(0.6), teacher=(0.9, 0.0, 0.3), probe=(1.0,), sample_weight=rising)


@pytest.mark.parametrize("loss", ["logistic", "square", "hinge", "squared_hinge"], ids=str)
@pytest.mark.parametrize("sources", [SOURCES, [SOURCES[1], WEIGHTED]], ids=["three sources", "weights by margin"])
def test_the_engine_of_structured_inputs_finds_the_same_students(loss, sources):
    """No line of their equations, averages and solvers is common."""
    ours = mixed_risk(sources, loss=loss, ridge=0.1)
    truth = StructuredInputs.gaussian(np.ones(D), teacher=vector([1.0]))
    other = structured_mixed_risk(
        [structured(source) for source in sources], loss=loss, ridge=0.1, tested_on=truth, finite_size=False
    )
    for name in ("generalization_error", "norm", "training_error"):
        assert getattr(ours, name) == pytest.approx(getattr(other, name), rel=1e-8)


def risk_of_means(sources, ridge):
    """Square loss by the moments of the sources, weights in the resolvent: λV = 1 − Σ α c V/(1 + c V)."""
    low, high = 1e-9, 1 / ridge
    for _ in range(200):
        V = math.sqrt(low * high)
        left = ridge * V - 1 + sum(s.alpha_prune * s.weight * V / (1 + s.weight * V) for s in sources)
        low, high = (low, V) if left > 0 else (V, high)
    rate = [s.alpha_prune * s.weight / (1 + s.weight * V) for s in sources]
    means, seconds = zip(*(_moments(s) for s in sources), strict=True)
    mean = sum(r * m for r, m in zip(rate, means, strict=True))
    second = sum(r * S for r, S in zip(rate, seconds, strict=True)) + ridge * np.eye(3)
    a = np.linalg.solve(second, mean)
    share = [s.alpha_prune * (s.weight * V / (1 + s.weight * V)) ** 2 for s in sources]
    misfit = [1 - 2 * a @ m + a @ S @ a for m, S in zip(means, seconds, strict=True)]
    b = math.sqrt(sum(h * one for h, one in zip(share, misfit, strict=True)) / (1 - sum(share)))
    return math.acos(a[0] / math.hypot(*a, b)) / math.pi


def _moments(source):
    """E[y s] and E[s sᵀ] of what is kept, by sums over a grid in the first three axes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    z, v = np.meshgrid(nodes, nodes, indexing="ij")
    chance = np.outer(weights, weights) / (2 * math.pi)
    probe, teacher = (np.pad(d, (0, 3 - len(d))) / np.linalg.norm(d) for d in (source.probe, source.teacher))
    across = teacher - teacher @ probe * probe
    across /= np.linalg.norm(across)
    angle = math.acos(teacher @ probe)
    positive = ProbitNoise(0.5).label(np.cos(angle) * z + np.sin(angle) * v)
    keep = source.selection.probability(z, np.ones_like(z)) * positive * chance
    share = 2 * keep / (2 * keep.sum())
    plane = np.stack([probe, across])
    mean = np.array([(share * z).sum(), (share * v).sum()]) @ plane
    square = np.array([[(share * z * z).sum(), (share * z * v).sum()], [(share * z * v).sum(), (share * v * v).sum()]])
    return mean, plane.T @ square @ plane + np.eye(3) - plane.T @ plane


def soft(field, label):
    return np.exp(-0.5 * (field * label - 0.3) ** 2)


def test_the_square_loss_follows_from_the_moments_of_its_sources():
    sources = [
        Source(1.5, KeepWithProbability(soft), (1.0, 0.2), (0.9, 0.0, 0.4), ProbitNoise(0.5), 0.5),
        Source(0.8, KeepWithProbability(soft), (0.9, -0.3, 0.1), (1.0, 0.1), ProbitNoise(0.5), 2.0),
    ]
    ours = mixed_risk(sources, loss="square", ridge=0.2).generalization_error
    assert ours == pytest.approx(risk_of_means(sources, 0.2), abs=1e-9)
    assert ours != pytest.approx(risk_of_means(sources[:1], 0.2), abs=1e-3)


@pytest.mark.parametrize("loss", ["logistic", "square", "hinge"], ids=str)
def test_two_equal_sources_are_one_of_their_summed_size(loss):
    parts = [Source(share, KeepHardest(0.5), probe=(1.0, 0.4), label_noise=0.05) for share in (1.0, 2.0)]
    whole = empirical_risk(
        3.0, loss=loss, ridge=0.1, selection=KeepHardest(0.5), probe_angle=math.atan(0.4), label_noise=0.05
    )
    for students in (mixed_risk(parts, loss=loss, ridge=0.1),):
        assert students.generalization_error == pytest.approx(whole.generalization_error, rel=1e-11)
        assert students.norm == pytest.approx(whole.norm, rel=1e-11)
    covariance = np.linspace(0.5, 1.5, D)
    both = structured_mixed_risk([structured(part, covariance) for part in parts], loss=loss, ridge=0.1)
    (one,) = (structured(part, covariance) for part in parts[:1])
    alone = structured_risk(3.0, inputs=one.inputs, selection=one.selection, loss=loss, ridge=0.1)
    assert both.generalization_error == pytest.approx(alone.generalization_error, rel=1e-9)
    limits = [
        structured_mixed_risk(
            [structured(part, covariance) for part in parts], loss=loss, ridge=0.1, finite_size=False
        ).generalization_error,
        structured_risk(
            3.0, inputs=one.inputs, selection=one.selection, loss=loss, ridge=0.1, finite_size=False
        ).generalization_error,
    ]
    assert limits[0] == pytest.approx(limits[1], rel=1e-9)


def test_a_source_of_weight_zero_is_absent_and_one_of_little_weight_nearly_so():
    alone, absent = (mixed_risk(s, loss="logistic", ridge=0.1) for s in (SOURCES[:2], [*SOURCES[:2], still(0.0)]))
    assert absent.generalization_error == alone.generalization_error
    light = mixed_risk([*SOURCES[:2], still(1e-6)], loss="logistic", ridge=0.1)
    assert light.generalization_error == pytest.approx(alone.generalization_error, abs=1e-5)
    laws = [structured(source) for source in [*SOURCES[:2], still(0.0)]]
    both = [structured_mixed_risk(s, loss="square", ridge=0.1).generalization_error for s in (laws, laws[:2])]
    assert both[0] == both[1]


def still(weight):
    return Source(3.0, teacher=(0.0, 0.0, 1.0), weight=weight)


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(3)),
    turn=st.floats(-1.5, 1.5),
    ridge=st.floats(0.01, 2.0),
    weight=st.floats(0.2, 5.0),
)
def test_neither_order_nor_axes_nor_common_weights_matter(order, turn, ridge, weight):
    c, s = math.cos(turn), math.sin(turn)

    def turned(direction):
        one, two, three = np.pad(direction, (0, 3 - len(direction)))
        return (one, c * two - s * three, s * two + c * three)

    first = mixed_risk(SOURCES, loss="logistic", ridge=ridge)
    again = mixed_risk(
        [
            Source(
                s.alpha_prune,
                s.selection,
                turned(s.teacher),
                turned(s.probe or s.teacher),
                s.label_noise,
                weight * s.weight,
            )
            for s in (SOURCES[number] for number in order)
        ],
        loss="logistic",
        ridge=weight * ridge,
    )
    assert again.generalization_error == pytest.approx(first.generalization_error, rel=1e-9)
    assert again.norm == pytest.approx(first.norm, rel=1e-9)


def test_one_curated_source_is_that_of_curated_risk():
    generator, oracle = math.radians(25), math.radians(15)
    known = curated_risk(
        6.0, loss="square", ridge=0.1, selection=KeepHardest(0.5), generator_angle=generator, oracle_angle=oracle
    )
    source = Source(
        3.0,
        KeepHardest(0.5),
        teacher=(math.cos(generator), math.sin(generator)),
        probe=(math.cos(oracle), 0.0, math.sin(oracle)),
    )
    ours = mixed_risk([source], loss="square", ridge=0.1)
    assert ours.generalization_error == pytest.approx(known.generalization_error, rel=1e-11)
    assert ours.error_against(source.teacher) == pytest.approx(known.student.generalization_error, rel=1e-10)


def test_a_class_for_a_source_is_the_mixture_of_both():
    mean = vector([0.8, 0.3])
    covariances = [np.linspace(0.5, 1.5, D), np.linspace(2.0, 1.0, D)]

    def of(classes, **more):
        picked = [(1.0, -1.0)[c] for c in classes]
        return StructuredInputs.mixture(
            [label * mean for label in picked], [covariances[c] for c in classes], labels=picked, probe=mean, **more
        )

    whole = structured_risk(
        2.0, inputs=of([0, 1], shares=[0.3, 0.7]), selection=KeepRandom(), loss="logistic", ridge=0.1, finite_size=False
    )
    parts = [StructuredSource(alpha, of([c])) for c, alpha in ((0, 0.6), (1, 1.4))]
    errors = [
        structured_mixed_risk(parts, loss="logistic", ridge=0.1, tested_on=of([c]), finite_size=False) for c in (0, 1)
    ]
    mean_error = 0.3 * errors[0].generalization_error + 0.7 * errors[1].generalization_error
    assert mean_error == pytest.approx(whole.generalization_error, rel=1e-9)
    assert errors[0].generalization_error != pytest.approx(errors[1].generalization_error, rel=0.05)


@pytest.mark.parametrize("exponent", [0.0, 1.0], ids=["isotropic", "power law"])
def test_a_plane_that_is_larger_than_need_be_changes_nothing_at_order_1_over_n(exponent):
    """The law of the test may know directions that no source does: its bulk and those of the sources meet there."""
    variances = np.arange(1.0, D + 1) ** -exponent
    rng = np.random.default_rng(2)
    teacher, probe, other = rng.standard_normal((3, D))
    inputs = StructuredInputs.gaussian(variances, teacher=teacher, probe=teacher + 0.5 * probe)
    strange = StructuredInputs.gaussian(variances, teacher=teacher, probe=other)
    students = [
        structured_mixed_risk(
            [StructuredSource(2.0, inputs, KeepHardest(0.5))], loss="logistic", ridge=0.05, tested_on=law
        )
        for law in (inputs, strange)
    ]
    assert students[0].generalization_error == pytest.approx(students[1].generalization_error, rel=0.2 / D**2)
    limit = structured_mixed_risk(
        [StructuredSource(2.0, inputs, KeepHardest(0.5))], loss="logistic", ridge=0.05, finite_size=False
    )
    assert abs(limit.generalization_error - students[0].generalization_error) > 1e-4  # there is something to change


def test_students_of_two_sources_in_forty_dimensions():
    """Poor and good labels at two weights, a steep spectrum and a flat one: mean error of 400 students."""
    teacher = np.ones(D)
    good = StructuredInputs.gaussian(np.ones(D), teacher=teacher)
    poor = StructuredInputs.gaussian(np.linspace(0.2, 3.0, D), teacher=teacher, label_noise=0.4)
    sources = [StructuredSource(2.0, good), StructuredSource(4.0, poor, KeepHardest(0.5), weight=0.1)]
    theory = structured_mixed_risk(sources, loss="square", ridge=0.1).generalization_error
    limit = structured_mixed_risk(sources, loss="square", ridge=0.1, finite_size=False).generalization_error
    rng = np.random.default_rng(5)
    errors = [trained(sources, teacher, rng) for _ in range(400)]
    spread = np.std(errors) / math.sqrt(len(errors))
    assert spread < 0.01 * theory
    assert abs(np.mean(errors) - theory) < 4 * math.hypot(spread, 0.3 * theory / D)
    unweighted = [StructuredSource(s.alpha_prune, s.inputs, s.selection) for s in sources]
    wrong = structured_mixed_risk(unweighted, loss="square", ridge=0.1).generalization_error
    assert abs(np.mean(errors) - wrong) > 8 * spread
    assert limit != theory


def trained(sources, teacher, rng):
    """Test error on isotropic examples of a ridge regression on what the sources' rules keep."""
    gram, pull = 0.1 * D * np.eye(D), np.zeros(D)
    for source in sources:
        count = round(source.alpha_prune * D)
        pool = round(count / source.selection.keep_fraction)
        x = np.sqrt(source.inputs.covariances[0].diagonal()) * rng.standard_normal((pool, D))
        field = x @ teacher
        y = np.sign(field) * np.where(rng.random(pool) < source.inputs.label_noise, -1, 1)
        kept = np.argsort(np.abs(field))[:count] if count < pool else slice(None)
        gram += source.weight * x[kept].T @ x[kept]
        pull += source.weight * x[kept].T @ y[kept]
    student = np.linalg.solve(gram, pull)
    return math.acos(student @ teacher / np.linalg.norm(student) / np.linalg.norm(teacher)) / math.pi


def test_a_mean_matters_where_it_changes_labels():
    """Means across the teacher are one direction among many; along it they make one label the rule."""

    def error(mean):
        moved = StructuredInputs.gaussian(np.ones(D), teacher=vector([1.0]), mean=mean)
        real = structured(Source(0.5)).inputs
        sources = [StructuredSource(0.5, real), StructuredSource(2.0, moved)]
        return structured_mixed_risk(sources, loss="square", ridge=0.1, finite_size=False).generalization_error

    still = error(None)
    assert error(vector([0.0, 3.0])) == pytest.approx(still, rel=1e-7)
    assert error(vector([3.0])) > 1.2 * still
    assert error(vector([-3.0])) == pytest.approx(error(vector([3.0])), rel=1e-9)


def test_solutions_pickle_and_print():
    for solution in (
        mixed_risk(SOURCES, loss="square", ridge=0.1),
        structured_mixed_risk([structured(SOURCES[1])], loss="square", ridge=0.1),
    ):
        assert pickle.loads(pickle.dumps(solution)).generalization_error == solution.generalization_error
        assert "residual" in repr(solution)


INPUTS = structured(SOURCES[0]).inputs
OTHERS = StructuredInputs.gaussian(np.ones(D + 1), teacher=np.ones(D + 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Source(0.0), "`alpha_prune`", id="size"),
        pytest.param(lambda: Source([1.0, 2.0]), "one number", id="sizes"),
        pytest.param(lambda: Source(1.0, weight=-1.0), "`weight` must be finite", id="weight"),
        pytest.param(lambda: Source(1.0, teacher=(0.0, 0.0)), "`teacher` must be finite components", id="teacher"),
        pytest.param(
            lambda: mixed_risk([Source(1.0, probe=(-1.0, 0.1))], loss="square", ridge=0.1), "90 degrees", id="obtuse"
        ),
        pytest.param(lambda: mixed_risk([], loss="square", ridge=0.1), "one of weight > 0", id="none"),
        pytest.param(lambda: mixed_risk([1.0], loss="square", ridge=0.1), "must be Source", id="no source"),
        pytest.param(lambda: mixed_risk(SOURCES, loss="square", ridge=0.0), "`ridge` must be finite", id="ridge"),
        pytest.param(lambda: StructuredSource(1.0, "rows"), "`inputs` must be of", id="inputs"),
        pytest.param(
            lambda: StructuredInputs.gaussian(np.ones(D), teacher=np.ones(D), mean=np.ones(3)),
            "`mean` must be finite numbers",
            id="mean",
        ),
        pytest.param(
            lambda: structured_mixed_risk([StructuredSource(1.0, INPUTS, weight=0.0)], loss="square", ridge=0.1),
            "one of weight > 0",
            id="all left out",
        ),
        pytest.param(
            lambda: structured_mixed_risk(
                [StructuredSource(1.0, INPUTS), StructuredSource(1.0, OTHERS)], loss="square", ridge=0.1
            ),
            "agree in their dimensions",
            id="dimensions",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
