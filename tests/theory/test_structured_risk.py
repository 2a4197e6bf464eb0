"""Students on structured inputs: reductions, second derivations, symmetries, simulation, measured laws, refusals."""

import math
import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import expit, ndtr
from scipy.stats import beta
from structured_risk import Setting, rising_chance

from perceptron_pruning import fit_empirical_risk
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    StructuredInputs,
    Verified,
    empirical_risk,
    risk_on_data,
    structured_risk,
)
from replica_theory._real_data.structured import solver
from replica_theory._real_data.structured.mixture_margins import MixtureMargins, RowMargins
from replica_theory.losses.named import LOSSES

D = 40


def directions(degrees, d=D):
    """Probe and teacher at an angle."""
    probe, across = np.eye(d)[:2]
    angle = math.radians(degrees)
    return {"probe": probe, "teacher": math.cos(angle) * probe + math.sin(angle) * across}


def power_law(exponent=1.0, degrees=25.0, **more):
    rng = np.random.default_rng(3)
    teacher = rng.standard_normal(D)
    probe = teacher + math.tan(math.radians(degrees)) * rng.standard_normal(D)
    return StructuredInputs.power_law(D, exponent, **({"teacher": teacher, "probe": probe} | more))


@pytest.mark.parametrize(
    ("loss", "ridge", "rule", "degrees", "noise"),
    [
        pytest.param("logistic", 0.1, KeepRandom(), 0, 0.0, id="logistic, nothing pruned"),
        pytest.param("logistic", 0.1, KeepHardest(0.4), 20, 0.0, id="logistic, hardest"),
        pytest.param("square", 0.1, KeepEasiest(0.5, label_aware=True), 20, 0.1, id="square, easiest, aware, noise"),
        pytest.param("hinge", 0.1, KeepBetween(0.2, 0.7), 30, 0.05, id="hinge, window, noise"),
        pytest.param("squared_hinge", 0.01, KeepHardest(0.5), 0, 0.0, id="squared hinge, hardest, perfect probe"),
        pytest.param("logistic", 0.05, Calibrated(KeepHardest(0.3), 0.3), 20, 0.0, id="logistic, calibrated"),
    ],
)
def test_isotropic_inputs_in_the_limit_are_those_of_empirical_risk(loss, ridge, rule, degrees, noise):
    inputs = StructuredInputs.gaussian(np.ones(D), **directions(degrees), label_noise=noise)
    both = {"selection": rule, "loss": loss, "ridge": ridge}
    ours = structured_risk([0.5, 4.0], inputs=inputs, **both, finite_size=False)
    known = empirical_risk([0.5, 4.0], **both, probe_angle=math.radians(degrees), label_noise=noise)
    for name in ("generalization_error", "noisy_test_error", "training_error", "norm"):
        np.testing.assert_allclose(getattr(ours, name), getattr(known, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.scale[:, 0], known.scale, rtol=1e-8)


def loureiro_error(variances, teacher, *, loss, ridge, alpha):
    """Unpruned covariates by Loureiro et al. 2021 (2102.08127), Σ for all three covariances: no plane is split off.

    m, q, V of the field and of its teacher's, m̂, q̂, V̂ by Gauss sums over the student's field.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    d, pulled = len(variances), variances * teacher
    rho = pulled @ teacher
    m, q, V = 0.1, 0.1, 1.0
    for _ in range(400):
        # of labels y = 1 alone, by symmetry: Z0 = Φ(mξ/√(q(ρ − m²/q)))
        ends = np.array([-9.0, np.clip(1 / math.sqrt(q), -9, 9), 9.0])[:, None]  # the squared hinge ends at 1
        xi = (0.5 * (ends[1:] - ends[:-1]) * (nodes + 1) + ends[:-1]).ravel()
        weight = (0.5 * (ends[1:] - ends[:-1]) * weights).ravel() * np.exp(-0.5 * xi**2) / math.sqrt(2 * math.pi)
        open_, omega = math.sqrt(rho - m**2 / q), math.sqrt(q) * xi
        field, slope = LOSSES[loss].proximal_and_slope(omega, V)
        force, change = (field - omega) / V, (1 - slope) / V
        seen = m / math.sqrt(q) * xi / open_
        chance, density = ndtr(seen), np.exp(-0.5 * seen**2) / math.sqrt(2 * math.pi) / open_
        V_hat = 2 * alpha * weight @ (chance * change)
        q_hat = 2 * alpha * weight @ (chance * force**2)
        m_hat = 2 * alpha * weight @ (density * force)
        resolvent = 1 / (ridge + V_hat * variances)
        V_new = np.sum(variances * resolvent) / d
        q_new = q_hat * np.sum((variances * resolvent) ** 2) / d + m_hat**2 * np.sum(
            variances * (resolvent * pulled) ** 2
        )
        m_new = m_hat * np.sum(resolvent * pulled**2)
        done = abs(m_new - m) + abs(q_new - q) + abs(V_new - V) < 1e-13
        m, q, V = (0.4 * old + 0.6 * new for old, new in ((m, m_new), (q, q_new), (V, V_new)))
        if done:
            break
    else:
        raise AssertionError("not converged")
    return math.acos(m / math.sqrt(q * rho)) / math.pi


@pytest.mark.parametrize(
    ("loss", "ridge", "alpha"),
    [("logistic", 0.05, 0.7), ("logistic", 0.1, 3.0), ("square", 0.2, 1.5), ("squared_hinge", 0.05, 2.0)],
    ids=str,
)
def test_unpruned_covariates_are_those_of_loureiro_et_al(loss, ridge, alpha):
    inputs = power_law(exponent=0.8)
    expected = loureiro_error(inputs.covariances[0].diagonal(), inputs.teacher, loss=loss, ridge=ridge, alpha=alpha)
    ours = structured_risk(alpha, inputs=inputs, selection=KeepRandom(), loss=loss, ridge=ridge, finite_size=False)
    assert ours.generalization_error == pytest.approx(expected, abs=1e-10)


def test_the_square_loss_is_ridge_regression_of_random_matrices():
    """Deterministic equivalents: λ = κ (α − tr Σ(Σ + κ)⁻¹/N), and the risk is that of shrinkage over 1 − df₂/P."""
    alpha, ridge, noise = 1.7, 0.03, 0.1
    inputs = power_law(exponent=1.2, label_noise=noise)
    variances, teacher = inputs.covariances[0].diagonal(), inputs.teacher
    low, high = 1e-9, 1e3
    for _ in range(200):
        kappa = math.sqrt(low * high)
        below = kappa * (alpha - np.sum(variances / (variances + kappa)) / D) < ridge
        low, high = (kappa, high) if below else (low, kappa)
    rho = variances @ teacher**2
    best = (1 - 2 * noise) * math.sqrt(2 / math.pi / rho) * teacher
    shrunk = variances / (variances + kappa) * best
    noise_left = 1 - variances @ best**2
    freedom = np.sum((variances / (variances + kappa)) ** 2)
    risk = (noise_left + variances @ (best - shrunk) ** 2) / (1 - freedom / (alpha * D))
    square = risk - noise_left + 2 * (variances * best) @ shrunk - variances @ best**2
    expected = math.acos((variances * teacher) @ shrunk / math.sqrt(rho * square)) / math.pi
    ours = structured_risk(alpha, inputs=inputs, selection=KeepRandom(), loss="square", ridge=ridge, finite_size=False)
    assert ours.generalization_error == pytest.approx(expected, abs=1e-9)


def student_of(inputs, rule=None, alpha=1.5, loss="logistic", ridge=0.05, **more):
    rule = KeepHardest(0.5) if rule is None else rule
    return structured_risk(alpha, inputs=inputs, selection=rule, loss=loss, ridge=ridge, **more)


@pytest.mark.parametrize("finite", [True, False], ids=["terms of 1/N", "limit"])
def test_one_covariance_given_to_each_class_is_the_common_one(finite):
    mu, rng = np.eye(D)[0], np.random.default_rng(0)
    root = rng.standard_normal((D, D)) / math.sqrt(D)
    sigma, probe = root @ root.T + 0.3 * np.eye(D), mu + 0.1 * rng.standard_normal(D)
    classes = {"labels": [1, -1], "probe": probe, "shares": [0.3, 0.7], "intercept": True}
    one = StructuredInputs.mixture([mu, -0.5 * mu], sigma, **classes)
    two = StructuredInputs.mixture([mu, -0.5 * mu], [sigma, sigma], **classes)
    common, grouped = (student_of(inputs, finite_size=finite) for inputs in (one, two))
    for name in ("generalization_error", "norm", "training_error"):
        assert getattr(grouped, name) == pytest.approx(getattr(common, name), rel=1e-9)
    np.testing.assert_allclose(grouped.scale, np.repeat(common.scale, 2), rtol=1e-9)


def test_radii_are_clusters_of_scaled_covariance():
    mu, sigma = 0.8 * np.eye(D)[0], np.linspace(0.3, 1.5, D)
    probe = mu + 0.1
    by_radius = StructuredInputs.mixture([mu, -mu], sigma, labels=[1, -1], probe=probe, radii=[0.6, 1.4])
    clusters = StructuredInputs.mixture(
        [mu, mu, -mu, -mu], [0.36 * sigma, 1.96 * sigma] * 2, labels=[1, 1, -1, -1], probe=probe
    )
    rule = KeepHardest(0.4, label_aware=True)
    first, second = (student_of(inputs, rule) for inputs in (by_radius, clusters))
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-8)
    assert second.training_error == pytest.approx(first.training_error, rel=1e-7)


def test_a_radius_of_two_is_four_times_the_covariance():
    first = student_of(power_law(radii=[2.0]), ridge=0.2)
    sigma = 4 * power_law().covariances[0]
    second = student_of(
        StructuredInputs.gaussian(sigma, teacher=power_law().teacher, probe=power_law().probe), ridge=0.2
    )
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-9)


def test_rotations_and_units_change_nothing():
    inputs, turn = power_law(), np.linalg.qr(np.random.default_rng(1).standard_normal((D, D)))[0]
    turned = StructuredInputs.gaussian(
        9 * turn @ inputs.covariances[0] @ turn.T, teacher=turn @ inputs.teacher, probe=5 * turn @ inputs.probe
    )
    first, second = student_of(inputs), student_of(turned, ridge=0.05 * 9)
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-9)
    assert second.norm == pytest.approx(first.norm / 3, rel=1e-8)


def test_an_intercept_takes_up_a_shift_of_both_classes():
    mu, shift = np.eye(D)[0], np.full(D, 0.4)
    classes = {"labels": [1, -1], "probe": mu, "intercept": True}
    pair = [StructuredInputs.mixture([mu + s, s - mu], np.ones(D), **classes) for s in (0 * shift, shift)]
    # a label-aware rule by the shifted field keeps others, a random one does not
    first, second = (student_of(inputs, KeepRandom()) for inputs in pair)
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-8)


@pytest.mark.parametrize("finite", [True, False], ids=["terms of 1/N", "limit"])
@pytest.mark.parametrize("loss", list(LOSSES), ids=str)
def test_centred_inputs_with_an_intercept_are_the_limit_of_a_small_mean(loss, finite):
    given = {"teacher": TEACHER, "probe": TEACHER + np.eye(D)[0], "label_noise": 0.1, "intercept": True}
    centred, moved = (
        student_of(
            StructuredInputs.gaussian(np.linspace(0.3, 1.5, D), mean=np.full(D, mean), **given),
            KeepHardest(0.6),
            loss=loss,
            finite_size=finite,
        )
        for mean in (0.0, 1e-7)
    )
    assert centred.generalization_error == pytest.approx(moved.generalization_error, rel=1e-6)
    assert centred.plane[-1] == pytest.approx(0.0, abs=1e-6)


def test_an_intercept_costs_centred_students_what_it_costs_trained_ones():
    d, rng, errors = 40, np.random.default_rng(12), {True: [], False: []}
    teacher = np.ones(d) / math.sqrt(d)
    for _ in range(300):
        rows = rng.standard_normal((round(1.5 * d), d))
        labels = np.where(rows @ teacher > 0, 1.0, -1.0)
        w, shift = with_intercept(rows, labels, 0.05)
        alone = fit_empirical_risk(rows, labels, loss="logistic", ridge=0.05).weights
        for intercept, weights, b in ((True, w, shift), (False, alone, 0.0)):
            z, size = rng.standard_normal(2000), np.linalg.norm(weights)
            along = weights @ teacher
            across = math.sqrt(size**2 - along**2)
            errors[intercept].append(np.mean(ndtr(-(along * np.abs(z) + b * np.sign(z)) / across)))
    for intercept, sample in errors.items():
        inputs = StructuredInputs.gaussian(np.ones(d), teacher=teacher, intercept=intercept)
        theory = structured_risk(1.5, inputs=inputs, selection=KeepRandom(), loss="logistic", ridge=0.05)
        assert abs(z_score(np.array(sample), theory.generalization_error)) < 4


@pytest.mark.parametrize("unit", [1e-6, 1e3], ids=str)
@pytest.mark.parametrize("loss", ["logistic", "hinge"], ids=str)
def test_units_of_measured_rows_change_nothing(loss, unit):
    rows, labels, probe = sampled_rows(n=400)
    first, second = (
        student_of(
            StructuredInputs.measured(size * rows, labels, probe=probe, classifier_ridge=0.01 * size**2),
            loss=loss,
            ridge=0.05 * size**2,
        )
        for size in (1.0, unit)
    )
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-6)


def test_measured_rows_of_zeros_are_missed_half_of_the_time_and_move_nothing():
    rows, labels, probe = sampled_rows(n=600)
    rows = rows.copy()
    rows[:150] = 0.0
    law = student_of(StructuredInputs.measured(rows, labels, probe=probe), KeepRandom(), alpha=3.0)
    d = rows.shape[1]
    exact = risk_on_data(rows, labels, keep_probability=np.ones(600), n_kept=3 * d, ridge=0.05, pool="infinite")
    assert law.noisy_test_error == pytest.approx(exact.left_out_error, rel=0.1)
    assert law.noisy_test_error > 0.125
    others = StructuredInputs.measured(rows[150:], labels[150:], probe=probe)
    alone = student_of(others, KeepRandom(), alpha=3.0 * 0.75).training_error
    assert law.training_error == pytest.approx(0.25 * 0.5 + 0.75 * alone, rel=0.03)


def test_hinge_students_with_an_intercept_are_found_from_afar():
    rows, labels, probe = sampled_rows(n=400)
    inputs = StructuredInputs.measured(rows, labels, probe=probe, intercept=True)
    student = student_of(inputs, KeepBetween(0.1, 0.7), alpha=20.0, loss="hinge", ridge=2e-4, finite_size=False)
    assert student.residual < 1e-6


def test_measured_rows_have_no_slope_by_thresholds():
    rows, labels, probe = sampled_rows(n=400)
    inputs = StructuredInputs.measured(rows, labels, probe=probe)
    with pytest.raises(ValueError, match="`finite_pool` needs a law in closed form"):
        student_of(inputs, KeepHardest(0.5), finite_pool=True)


def test_weights_of_two_are_half_the_ridge():
    first = student_of(power_law(), ridge=0.05)
    second = student_of(power_law(), ridge=0.1, sample_weight=lambda margin: np.full_like(margin, 2.0))
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-9)


def test_a_loss_of_ones_own_is_the_named_loss():
    class Own:
        value, proximal = LOSSES["squared_hinge"].value, LOSSES["squared_hinge"].proximal

    own, named = (student_of(power_law(), loss=loss, finite_size=False) for loss in (Own(), "squared_hinge"))
    assert own.generalization_error == pytest.approx(named.generalization_error, rel=1e-6)


def test_small_ridges_of_both_hinges_lead_to_the_same_student():
    both = [student_of(power_law(), loss=loss, ridge=1e-5) for loss in ("hinge", "squared_hinge")]
    assert both[0].generalization_error == pytest.approx(both[1].generalization_error, rel=2e-3)


@pytest.mark.parametrize("aware", [False, True], ids=["agnostic", "aware"])
def test_thresholds_on_a_quadrature_are_those_in_closed_form(aware):
    law = StructuredInputs.gaussian(np.ones(D), **directions(30), label_noise=0.1).law
    summed = MixtureMargins(law._margin_examples, symmetric=True)
    for below in (0.2, 0.7):
        expected = law.margins().quantile(below, 1 - below, label_aware=aware)
        assert summed.quantile(below, 1 - below, label_aware=aware) == pytest.approx(expected, abs=1e-11)


def test_a_given_label_chance_is_label_noise():
    noisy = power_law(label_noise=0.1)
    given = power_law(label_chance=lambda u: np.where(u > 0, 0.9, 0.1))
    rule = KeepHardest(0.5, label_aware=True)
    first, second = (student_of(inputs, rule) for inputs in (noisy, given))
    assert second.noisy_test_error == pytest.approx(first.noisy_test_error, rel=1e-9)
    assert first.noisy_test_error == pytest.approx(0.1 + 0.8 * first.generalization_error, rel=1e-9)


def test_terms_of_order_1_over_n_vanish_with_n():
    shift = []
    for d in (100, 400):
        inputs = StructuredInputs.gaussian(np.linspace(0.5, 1.5, d), **directions(25, d))
        shift.append(np.diff([student_of(inputs, finite_size=f).generalization_error for f in (True, False)])[0])
    assert abs(shift[0]) > 1e-5
    assert shift[1] == pytest.approx(shift[0] / 4, rel=0.1)


SIMULATED = {
    "hardest, noisy": Setting(KeepHardest(0.5), "logistic", 0.05, 1.0, 0.0, "field", 30, 2.0, 80),
    "easiest, radii": Setting(KeepEasiest(0.5), "squared_hinge", 0.02, 0.5, 0.4, "none", 30, 1.0, 80),
    "aware, radii": Setting(KeepHardest(0.4, label_aware=True), "square", 0.1, 1.0, 0.4, "flips", 20, 1.0, 80),
    "window, hinge": Setting(KeepBetween(0.1, 0.7), "hinge", 0.05, 0.5, 0.0, "none", 20, 2.0, 80),
}


@cache
def simulated(setting, trials=60):
    rng = np.random.default_rng(5)
    return np.array([setting.trial(rng) for _ in range(trials)])


def z_score(sample, value):
    error = sample.std(ddof=1) / math.sqrt(len(sample))
    assert error < 0.04 * sample.mean()  # fine enough to mean something
    return (sample.mean() - value) / error


@pytest.mark.parametrize("setting", SIMULATED.values(), ids=list(SIMULATED))
def test_trained_students_err_as_predicted(setting):
    theory = structured_risk(
        setting.alpha, inputs=setting.inputs, selection=setting.rule, loss=setting.loss, ridge=setting.ridge
    )
    clean, noisy = simulated(setting).T
    assert abs(z_score(clean, theory.generalization_error)) < 3.5
    assert abs(z_score(noisy, theory.noisy_test_error)) < 3.5


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest], ids=["hardest", "easiest"])
def test_a_ranked_pool_is_the_mean_over_its_threshold(rule):
    """The share harder than the first example dropped is Beta(P + 1, n - P); of the easiest alike."""
    inputs = StructuredInputs.gaussian(np.ones(D), **directions(20))
    given = {"inputs": inputs, "loss": "square", "ridge": 0.1}
    kept, pool = 2 * D, 4 * D
    shares = np.linspace(0.3, 0.7, 81)
    density = beta.pdf(shares, kept + 1, pool - kept)
    errors = [structured_risk(2.0, selection=rule(float(share)), **given).generalization_error for share in shares]
    ranked = structured_risk(2.0, selection=rule(0.5), finite_pool=True, **given).generalization_error
    infinite = structured_risk(2.0, selection=rule(0.5), **given).generalization_error
    mean = density @ errors / density.sum()
    assert abs(mean - infinite) > 2e-4 * infinite
    assert ranked == pytest.approx(mean, abs=0.1 * abs(mean - infinite))


def test_a_ranked_pool_of_two_thresholds_is_one_of_the_one_that_fluctuates():
    inputs = StructuredInputs.power_law(200, 0.5, **directions(20, 200))
    given = {"inputs": inputs, "loss": "logistic", "ridge": 0.01, "finite_pool": True}
    for aware in (False, True):
        one = structured_risk(2.0, selection=KeepHardest(0.5, label_aware=aware), **given)
        two = structured_risk(2.0, selection=KeepBetween(0.0, 0.5, label_aware=aware), **given)
        assert one.generalization_error == pytest.approx(two.generalization_error, rel=1e-9)
    at_random = structured_risk(2.0, selection=KeepRandom(0.5), **given)
    infinite = structured_risk(2.0, selection=KeepRandom(0.5), **given | {"finite_pool": False})
    assert at_random.generalization_error == infinite.generalization_error
    with pytest.raises(ValueError, match="`finite_pool` needs a rule that keeps all between two ranks"):
        structured_risk(2.0, selection=Calibrated(KeepHardest(0.5), 0.2), **given)
    all_kept = structured_risk(2.0, selection=KeepHardest(1.0), **given)
    assert all_kept.generalization_error == pytest.approx(at_random.generalization_error, rel=1e-9)


@pytest.mark.parametrize("matrices", [1, 7], ids=["one covariance", "one each"])
def test_norms_of_students_in_few_dimensions_are_those_of_trained_ones(matrices):
    """Half of 16 dimensions are the plane's, in which the student fluctuates less than outside."""
    d, alpha, ridge, rng = 16, 4.0, 0.5, np.random.default_rng(0)
    means, signs = rng.standard_normal((7, d)), np.where(np.arange(7) % 2, 1, -1)
    covariances = np.ones(d) if matrices == 1 else [np.ones(d)] * matrices
    inputs = StructuredInputs.mixture(list(means), covariances, labels=signs, probe=means[0] - means[1])
    theory = structured_risk(alpha, inputs=inputs, selection=KeepRandom(), loss="square", ridge=ridge)
    norms = []
    for _ in range(2000):
        component = rng.integers(7, size=round(alpha * d))
        rows = means[component] + rng.standard_normal((len(component), d))
        weights = np.linalg.solve(rows.T @ rows + ridge * d * np.eye(d), rows.T @ signs[component])
        norms.append(weights @ weights)
    noise = np.std(norms) / math.sqrt(len(norms))
    assert noise < 0.005 * np.mean(norms)
    assert theory.norm**2 == pytest.approx(np.mean(norms), abs=3 * noise + 0.015 * np.mean(norms))


def test_theory_of_isotropic_inputs_is_told_apart():
    setting = SIMULATED["hardest, noisy"]
    wrong = replace(setting, exponent=0.0)
    theory = structured_risk(
        setting.alpha, inputs=wrong.inputs, selection=setting.rule, loss=setting.loss, ridge=setting.ridge
    )
    assert abs(z_score(simulated(setting)[:, 0], theory.generalization_error)) > 5


def test_classes_of_unequal_covariance_err_as_predicted():
    d, alpha, fraction, rng = 80, 1.5, 0.5, np.random.default_rng(2)
    mu, scales = 1.1 * np.eye(d)[0], [np.ones(d), np.linspace(0.3, 0.8, d)]
    probe = mu + 0.5 * np.eye(d)[1]
    inputs = StructuredInputs.mixture(
        [mu, -mu], [scale**2 for scale in scales], labels=[1, -1], probe=probe, intercept=True
    )
    theory = structured_risk(alpha, inputs=inputs, selection=KeepHardest(fraction), loss="logistic", ridge=0.05)
    n_kept, errors = round(alpha * d), []
    for _ in range(100):
        labels = np.where(rng.random(round(n_kept / fraction)) < 0.5, 1.0, -1.0)
        which = (labels < 0).astype(int)
        rows = labels[:, None] * mu + rng.standard_normal((len(labels), d)) * np.stack(scales)[which]
        kept = KeepHardest(fraction).choose(rows @ probe, labels, count=n_kept, rng=rng)
        w, intercept = with_intercept(rows[kept], labels[kept], 0.05)
        spread = [math.sqrt((w * scale) @ (w * scale)) for scale in scales]
        errors.append(0.5 * (ndtr(-(w @ mu + intercept) / spread[0]) + ndtr((intercept - w @ mu) / spread[1])))
    assert abs(z_score(np.array(errors), theory.generalization_error)) < 3.5


def with_intercept(rows, labels, ridge):
    """Logistic students with an intercept: a column that is so large that its ridge is nothing."""
    weights = fit_empirical_risk(
        np.column_stack([rows, np.full(len(rows), 300.0)]),
        labels,
        loss="logistic",
        ridge=ridge * rows.shape[1] / (rows.shape[1] + 1),
    ).weights
    return weights[:-1], 300.0 * weights[-1]


@cache
def sampled_rows(n=6000, d=30, seed=0):
    """Rows of a power law with lognormal radii and noisy labels, and a probe."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(np.arange(1.0, d + 1) ** -1.0)
    rows = np.exp(0.3 * rng.standard_normal((n, 1))) * rng.standard_normal((n, d)) * scale
    teacher, probe = 1 / scale, 1 / scale * (1 + 0.5 * np.sin(np.arange(d)))
    field = rows @ teacher / math.sqrt(d)
    return rows, np.where(rng.random(n) < expit(4 * field), 1.0, -1.0), probe


@pytest.mark.parametrize("rule", [KeepHardest(0.5), KeepEasiest(0.4, label_aware=True), KeepRandom()], ids=str)
def test_a_measured_law_and_the_whole_empirical_law_agree(rule):
    rows, labels, probe = sampled_rows()
    tested = {"test_inputs": sampled_rows(seed=1)[0], "test_labels": sampled_rows(seed=1)[1]}
    measured = StructuredInputs.measured(rows, labels, probe=probe, **tested)
    ours = structured_risk(2.0, inputs=measured, selection=rule, loss="logistic", ridge=0.05)
    margin = rule.margin(rows @ probe, labels)
    kept = np.zeros(len(rows))
    kept[rule.keep(margin, count=round(rule.keep_fraction * len(rows)), rng=np.random.default_rng(0))] = 1
    whole = risk_on_data(rows, labels, keep_probability=kept, n_kept=60, ridge=0.05, **tested)
    assert ours.generalization_error == pytest.approx(whole.test_error, rel=0.02)


def test_rows_that_place_themselves_are_flattered():
    rows, labels, probe = sampled_rows(n=250)
    fresh = {"test_inputs": sampled_rows(seed=1)[0], "test_labels": sampled_rows(seed=1)[1]}

    def error(**more):
        inputs = StructuredInputs.measured(rows, labels, probe=probe, **more)
        return student_of(inputs, alpha=6.0, ridge=0.01).generalization_error

    crossed, itself, truth = error(), error(folds=1), error(**fresh)
    assert itself < crossed - 0.02
    assert abs(crossed - truth) < abs(itself - truth)


def test_a_measured_law_needs_no_probe_and_takes_many_directions():
    rows, labels, _ = sampled_rows(d=60)
    few = StructuredInputs.measured(rows, labels)
    many = StructuredInputs.measured(rows, labels, components=35)
    assert many._law.plane.shape == (60, 38)
    errors = [student_of(inputs).generalization_error for inputs in (few, many)]
    assert errors[1] == pytest.approx(errors[0], rel=0.03)


def mostly_zeros():
    """Rows of which half are 0, as are all in their last column."""
    rows = np.random.default_rng(0).standard_normal((200, 12))
    rows[::2] = rows[:, 11] = 0.0
    return rows, np.where(np.arange(200) % 3, 1.0, -1.0)


@pytest.mark.parametrize(
    ("rule", "lower", "upper"),
    [
        pytest.param(KeepHardest(0.3), 0.0, 0.3, id="hardest"),
        pytest.param(KeepHardest(0.5, label_aware=True), 0.0, 0.5, id="hardest, aware"),
        pytest.param(KeepBetween(0.2, 0.6), 0.2, 0.6, id="window"),
    ],
)
def test_of_equal_margins_on_a_threshold_measured_laws_keep_a_share(rule, lower, upper):
    """Signs, of which the probe's field has nine values of |z|; ordered by label, so that places tell labels."""
    rng = np.random.default_rng(2)
    rows, teacher = np.sign(rng.standard_normal((800, 16))), np.sign(rng.standard_normal(16))
    probe = np.where(np.arange(16) < 3, -teacher, teacher)
    labels = np.where(rows @ teacher + 1.5 * rng.standard_normal(800) > 0, 1.0, -1.0)
    rows, labels = rows[np.argsort(labels)], np.sort(labels)
    margin = rule.margin(rows @ probe, labels)
    _, number, counts = np.unique(margin, return_inverse=True, return_counts=True)
    end = np.cumsum(counts)
    inside = np.clip(np.minimum(upper * 800, end) - np.maximum(lower * 800, end - counts), 0, None)
    share = (inside / counts)[number]
    law = student_of(StructuredInputs.measured(rows, labels, probe=probe, components=0), rule, alpha=4.0, ridge=0.1)
    whole = risk_on_data(rows, labels, keep_probability=share, n_kept=64, ridge=0.1, pool="infinite")
    assert law.noisy_test_error == pytest.approx(whole.left_out_error, rel=0.06)


def test_a_rule_keeps_shares_of_rows_of_equal_margin_by_their_labels_or_not():
    margins = RowMargins(np.array([0.0, -1.0, 1.0, 1.0, 1.0, -2.0, 3.0, 0.0]))

    def shares(rule):
        return margins.keep_probability(rule.kept_pieces(margins)[0]).tolist()

    assert shares(KeepHardest(0.5)) == [1, 0.5, 0.5, 0.5, 0.5, 0, 0, 1]
    assert shares(KeepHardest(0.625, label_aware=True)) == pytest.approx([1, 1, 1 / 3, 1 / 3, 1 / 3, 1, 0, 1])
    assert shares(KeepEasiest(0.25)) == [0, 0, 0, 0, 0, 1, 1, 0]
    soft = KeepWithProbability(lambda z, y: np.where(z * y >= 0, 0.8, 0.2))
    assert shares(soft) == pytest.approx([0.8, 0.2, 0.8, 0.8, 0.8, 0.2, 0.8, 0.8])
    assert shares(Verified(KeepRandom(), 0.9, 0.3)) == pytest.approx([0.3, 0.3, 0.9, 0.9, 0.9, 0.3, 0.9, 0.3])


def test_directions_that_are_alike_in_one_fold_are_one_in_all():
    """Far from the origin, the first component and what labels say of it are one direction to a part in a million."""
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((30, 15)) + 1e3
    labels = np.where(rows[:, 0] - 1e3 + 0.3 * rng.standard_normal(30) > 0, 1.0, -1.0)
    for folds in (2, 5):
        inputs = StructuredInputs.measured(rows, labels, folds=folds, components=1)
        assert 0 < student_of(inputs, KeepRandom(), alpha=1.0).noisy_test_error < 1


def test_a_direction_in_which_rows_do_not_vary_is_none_of_the_plane():
    rows, labels = mostly_zeros()
    with_it, without = (
        StructuredInputs.measured(rows, labels, directions=directions)._law.plane
        for directions in (np.eye(12)[:, [0, 11]], np.eye(12)[:, [0]])
    )
    assert with_it == pytest.approx(without)


def test_a_direction_given_twice_takes_nothing_off_the_plane():
    rows, labels, probe = sampled_rows(n=800)
    once, twice = (
        StructuredInputs.measured(rows, labels, probe=probe, directions=directions)._law.plane
        for directions in (None, np.column_stack([probe, -2 * probe]))
    )
    assert twice == pytest.approx(once)


def test_a_shift_of_measured_rows_is_taken_up_by_the_intercept():
    rows, labels, probe = sampled_rows(n=800)
    first, second = (
        student_of(StructuredInputs.measured(rows + shift, labels, probe=probe, intercept=True)) for shift in (0.0, 0.7)
    )
    assert second.generalization_error == pytest.approx(first.generalization_error, rel=1e-7)


def test_curves_carry_their_inputs_compare_pickle_and_print():
    inputs = power_law(label_chance=rising_chance)
    curve = student_of(inputs, alpha=[1.0, 2.0])
    assert curve.generalization_error[1] == pytest.approx(student_of(inputs, alpha=2.0).generalization_error, rel=1e-8)
    assert curve == student_of(power_law(label_chance=rising_chance), alpha=[1.0, 2.0])
    assert curve != replace(curve, ridge=0.06)
    assert pickle.loads(pickle.dumps(curve)) == curve
    assert max(curve.residual) < 1e-6
    assert "GaussianInputs(means=<array (1, 40)" in repr(curve)
    with pytest.raises(ValueError, match="read-only"):
        curve.plane[0, 0] = 0.0


TEACHER = np.ones(D)


def measured_in(unit):
    rows, labels, _ = sampled_rows(n=800)
    return StructuredInputs.measured(unit * rows, labels)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: StructuredInputs.gaussian(np.ones(2), teacher=np.ones(2)), "d >= 3", id="two features"),
        pytest.param(
            lambda: StructuredInputs.gaussian(np.triu(np.ones((D, D))), teacher=TEACHER),
            "`covariance` must be finite and symmetric",
            id="no covariance",
        ),
        pytest.param(
            lambda: StructuredInputs.gaussian(-np.ones(D), teacher=TEACHER), "no negative eigenvalue", id="negative"
        ),
        pytest.param(
            lambda: StructuredInputs.gaussian(np.ones(D), teacher=np.zeros(D)),
            "`probe` must be a finite",
            id="no teacher",
        ),
        pytest.param(
            lambda: StructuredInputs.gaussian(np.eye(D)[0], teacher=np.eye(D)[1]), "field that varies", id="no field"
        ),
        pytest.param(lambda: power_law(label_noise=0.7), r"`label_noise` must be in \[0, 1/2\]", id="much noise"),
        pytest.param(
            lambda: power_law(label_noise=0.1, label_chance=rising_chance), "`label_noise` must be 0", id="two noises"
        ),
        pytest.param(lambda: power_law(radii=[1.0, -1.0]), "`radii` must be finite and > 0", id="negative radius"),
        pytest.param(lambda: power_law(exponent=-1.0), "`exponent` must be", id="rising spectrum"),
        pytest.param(
            lambda: StructuredInputs.mixture([TEACHER, -TEACHER], [np.ones(D)] * 3, labels=[1, -1], probe=TEACHER),
            "`covariances` must be one, or one a cluster",
            id="three covariances of two",
        ),
        pytest.param(
            lambda: StructuredInputs.measured(np.eye(8), np.ones(8)), "`labels` must have both classes", id="one class"
        ),
        pytest.param(
            lambda: StructuredInputs.measured(*sampled_rows(n=800)[:2], folds=0), "`folds` must be", id="no fold"
        ),
        pytest.param(
            lambda: StructuredInputs.measured(*sampled_rows(n=800)[:2], components=30)._law,
            "must leave a bulk",
            id="no bulk",
        ),
        pytest.param(
            lambda: student_of(StructuredInputs.measured(*mostly_zeros(), probe=np.ones(12)), KeepHardest(0.4)),
            "`selection` must keep an example with an input that is not 0; KeepHardest.* keeps none",
            id="zeros alone",
        ),
        pytest.param(
            lambda: StructuredInputs.measured(*mostly_zeros(), probe=np.eye(12)[11])._law,
            "`probe` must have a field that varies",
            id="a probe that sees nothing",
        ),
        pytest.param(
            lambda: StructuredInputs.mixture([TEACHER, -TEACHER], [], labels=[1, -1], probe=TEACHER),
            "`covariances` must have shape",
            id="no covariances",
        ),
        pytest.param(
            lambda: student_of(StructuredInputs.measured(np.ones((8, 3)), np.tile([1.0, -1.0], 4), folds=2)),
            "`labels` must have to do with `inputs`",
            id="labels of nothing",
        ),
        pytest.param(lambda: student_of(power_law(), ridge=0.0), "`ridge` must be finite and > 0", id="no ridge"),
        pytest.param(lambda: student_of("gaussian"), "`inputs` must be made by StructuredInputs", id="no inputs"),
        pytest.param(
            lambda: student_of(
                StructuredInputs.measured(*sampled_rows(n=800)[:2]),
                KeepWithProbability(lambda z, y: expit(z)),
            ),
            "must keep .* alike where the inputs are not symmetric",
            id="a rule by field and label",
        ),
        pytest.param(
            lambda: student_of(power_law(label_chance=lambda u: 2 + u)), "`label_chance` must return", id="chance of 2"
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("means", [[TEACHER, TEACHER[1:]], ["a", "b"], 3, []], ids=["uneven", "words", "one", "none"])
def test_means_that_are_no_clusters_are_refused(means):
    with pytest.raises(ValueError, match="`means` must be arrays"):
        StructuredInputs.mixture(means, TEACHER, labels=[1, -1], probe=TEACHER)


@pytest.mark.parametrize(("name", "values"), [("teacher", "x"), ("radii", []), ("radii", "x")], ids=str)
def test_what_are_no_numbers_is_refused(name, values):
    with pytest.raises(ValueError, match=f"`{name}` must"):
        power_law(**{name: values})


@pytest.mark.parametrize("unit", [0.0, 1e-200, 1e160], ids=str)
def test_units_beyond_those_of_numbers_are_refused(unit):
    with pytest.raises(ValueError, match="`inputs` must vary, by numbers from 1e-150 to 1e150"):
        measured_in(unit)._law  # noqa: B018


@pytest.mark.parametrize("rule", [KeepHardest(1e-4), KeepEasiest(1e-4), KeepBetween(0.5, 0.5002)], ids=str)
def test_a_rule_that_keeps_no_row_is_refused(rule):
    with pytest.raises(ValueError, match=r"`selection` must keep a row at least; .* keeps none of 800"):
        student_of(measured_in(1.0), rule)


@pytest.mark.parametrize("loss", ["square", "logistic", "squared_hinge"], ids=str)
def test_one_label_alone_is_refused_where_an_intercept_fits_it(loss):
    one = np.ones(D)
    inputs = StructuredInputs.mixture(
        [2 * one, -2 * one], one, labels=[1, -1], probe=one, shares=[0.2, 0.8], intercept=True
    )
    both = {"inputs": inputs, "loss": loss, "ridge": 0.1}
    assert 0 < structured_risk(2.0, selection=KeepRandom(), **both).generalization_error < 0.1
    alone = replace(inputs, labels=np.ones(2))
    with pytest.raises(ValueError, match=r"`selection` must keep examples of both labels .* keeps \+1 alone"):
        structured_risk(2.0, selection=KeepRandom(), **(both | {"inputs": alone}))


def test_what_does_not_close_is_an_error_with_its_residual(monkeypatch):
    monkeypatch.setattr(solver, "_MOST_STEPS", 2)
    with pytest.raises(SaddlePointError, match="no saddle point at ridge") as failure:
        student_of(power_law())
    assert failure.value.residual > 1e-6
