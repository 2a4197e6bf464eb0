"""Moments of forces over Gaussian fields: dense sums, slopes, and logistic nodes that rows have in common."""

import numpy as np
import pytest
from own_losses import HuberHinge

from replica_theory.losses.custom import as_loss
from replica_theory.losses.force_moments import LEVELS, ForceMoments, force_moments
from replica_theory.losses.force_moments.groups import Groups
from replica_theory.losses.force_moments.lattice import Lattice, Nodes
from replica_theory.losses.force_moments.narrow_rows import NARROW
from replica_theory.losses.force_moments.spaced_rows import sum_over_nodes
from replica_theory.losses.named import LOSSES

NAMES = list(LOSSES)


def dense_moments(loss, mean, deviation, scale, n=100001):
    """``ForceMoments`` by sums over n fields, with E u ξ/c for ∂E u/∂m."""
    xi = np.linspace(-9, 9, n)
    chance = np.exp(-0.5 * xi**2) * (xi[1] - xi[0]) / np.sqrt(2 * np.pi)
    omega = mean[:, None] + deviation[:, None] * xi
    field, slope = loss.proximal_and_slope(omega, scale[:, None])
    force, u = (field - omega) / scale[:, None], (1 - slope) / scale[:, None]
    of_fields = force, force**2, u, -2 * force * u, u * xi / deviation[:, None]
    return ForceMoments(*(values @ chance for values in of_fields))


@pytest.mark.parametrize("loss", [*LOSSES.values(), as_loss(HuberHinge())], ids=[*NAMES, "own"])
def test_closed_forms_and_quadratures_agree_with_a_dense_sum(loss):
    rng = np.random.default_rng(3)
    fields = rng.normal(0.5, 1.5, 12), rng.uniform(0.1, 2.0, 12), rng.uniform(0.1, 6.0, 12)
    moments, dense = force_moments(loss, LEVELS - 1)(*fields), dense_moments(loss, *fields)
    for name, value, wanted in zip(ForceMoments._fields, moments, dense, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-7 if name in ("force", "square") else 2e-3)


@pytest.mark.parametrize("largest", [1e2, 1e4, 1e6], ids=str)
def test_logistic_moments_stand_scales_that_are_large_and_far_apart(largest):
    rng, loss = np.random.default_rng(5), LOSSES["logistic"]
    scale = np.geomspace(1.0, largest, 24)
    deviation = rng.uniform(0.5, 1.0, 24) * np.sqrt(scale)
    fields = 2 * deviation * rng.standard_normal(24) - scale / 4, deviation, scale
    moments, dense = force_moments(loss, LEVELS - 1)(*fields), dense_moments(loss, *fields)
    for value, wanted, size in zip(moments, dense, (1, 1, 1 / scale, 1 / scale, 1 / scale), strict=True):
        np.testing.assert_allclose(value / size, wanted / size, rtol=0, atol=1e-5)


@pytest.mark.parametrize("loss", [*LOSSES.values(), as_loss(HuberHinge())], ids=[*NAMES, "own"])
def test_moments_hold_all_slopes_of_the_mean_force(loss):
    rng, step = np.random.default_rng(4), 1e-4
    fields = rng.normal(0.5, 1.5, 12), rng.uniform(0.3, 2.0, 12), rng.uniform(0.1, 6.0, 12)
    moments, at = force_moments(loss, LEVELS - 1), force_moments(loss, LEVELS - 1)(*fields)
    slopes = -at.slope, -fields[1] * at.slope_by_mean, 0.5 * at.square_by_mean  # by m, c and S
    for place, slope in enumerate(slopes):
        below, above = (
            moments(*(field + sign * step * (k == place) for k, field in enumerate(fields))).force for sign in (-1, 1)
        )
        np.testing.assert_allclose((above - below) / (2 * step), slope, rtol=0, atol=1e-5)


def test_logistic_moments_of_unlike_rows_agree_with_a_dense_sum_before_and_after_a_step():
    rng, n = np.random.default_rng(6), 40
    mean, deviation, scale = (
        rng.normal(0, 10, n),
        np.geomspace(0.05, 12.0, n),
        rng.permutation(np.geomspace(1e-3, 1e3, n)),
    )
    moments = force_moments(LOSSES["logistic"], LEVELS - 2)
    for step in (0.0, 0.01, 1.0):  # nodes are used again, and placed anew
        fields = mean + step, deviation * (1 + step), scale * (1 + step)
        dense = dense_moments(LOSSES["logistic"], *fields, n=20001)
        for value, wanted in zip(moments(*fields), dense, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=1e-7, atol=1e-10)


def drawn_fields(n=3000, seed=8):
    """m, c and S of many rows, a few of them with small c, (3, n)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal(1, 3, n), 0.6 * np.exp(0.5 * rng.standard_normal(n)), rng.uniform(0.2, 6.0, n)])


@pytest.mark.parametrize(("precision", "error"), [(np.float64, 1e-9), (np.float32, 1e-5)], ids=["double", "single"])
def test_moments_of_rows_in_groups_do_not_depend_on_the_fields_that_came_before(precision, error):
    fields, rng = drawn_fields(), np.random.default_rng(9)
    moments = force_moments(LOSSES["logistic"], LEVELS - 1, precision)
    for size in (1.0, 0.1, 0.01, 3.0):
        fields = fields * np.exp(size * rng.uniform(-1, 1, fields.shape))
        alone = force_moments(LOSSES["logistic"], LEVELS - 1)(*fields)
        for name, value, wanted in zip(ForceMoments._fields, moments(*fields), alone, strict=True):
            far = 10 if name == "slope_by_mean" else 1  # of which only steps are extrapolated
            np.testing.assert_allclose(value, wanted, rtol=0, atol=far * error * np.abs(wanted).max(), err_msg=name)


def test_groups_hold_every_row_once_those_of_small_deviation_first():
    fields = drawn_fields()
    groups = Groups.of(fields)
    np.testing.assert_array_equal(groups.order[groups.places], np.arange(3000))
    assert groups.n_narrow == np.count_nonzero(fields[1] < NARROW) > 0
    assert groups.n_narrow + groups.sizes.sum() == 3000
    deviation = fields[1][groups.order]
    assert deviation[: groups.n_narrow].max() < NARROW
    for part in np.split(deviation, groups.n_narrow + np.cumsum(groups.sizes))[1:-1]:
        assert part.max() < 2 * part.min()


def test_a_lattice_gives_the_same_nodes_however_far_it_was_asked_before():
    lattice = Lattice(0.5, 3.0, np.float64)
    for first, end in [(-4, 9), (0, 3), (-60, -50), (70, 90), (10**6, 10**6 + 5), (-3, 2)]:
        nodes, alone = lattice.nodes(first, end), Nodes.of(np.arange(first, end), 0.5, 3.0, np.float64)
        for found, wanted in zip(nodes, alone, strict=True):
            np.testing.assert_array_equal(found, wanted)
        p, slope = np.sqrt(2) * nodes.factors[:, 0], np.sqrt(2) * nodes.factors[:, 1]
        np.testing.assert_allclose(p + 3.0 * slope, 0.5 * np.arange(first, end), rtol=0, atol=1e-9 * max(abs(first), 1))


def test_no_gaussian_at_a_node_is_subnormal():
    """Products with subnormal numbers take a hundred times as long on some processors."""
    mean, deviation, scale = np.linspace(-90, 90, 50), np.full(50, 0.5), np.geomspace(0.1, 60.0, 50)
    lines = (np.stack([np.ones(50), scale, mean]) / deviation).astype(np.float32)
    nodes = Nodes.of(np.arange(-250, 150), 0.5, 64.0, np.float32)
    gaussians = np.empty((400, 50), np.float32)
    sum_over_nodes(Nodes(nodes.factors, np.eye(400, dtype=np.float32)), lines, gaussians)
    assert gaussians.min() > 1e10 * np.finfo(np.float32).tiny
    assert gaussians.max() > 0.9


@pytest.mark.parametrize("place", [0, 1, 2], ids=["m", "c", "S"])
def test_a_field_that_is_no_number_makes_no_number_of_its_row_alone_or_its_group(place):
    fields = drawn_fields(40)
    fields[place, 7] = np.nan
    with np.errstate(invalid="ignore"):
        moments = force_moments(LOSSES["logistic"], 1)(*fields)
    assert np.isnan(moments.force[7])


@pytest.mark.parametrize("octaves", [50.25, 70.5, 84.75], ids=str)
def test_scales_so_large_that_their_rounding_exceeds_the_fields_are_averaged(octaves):
    scale = np.full(3, 2.0**octaves * (1 + 5e-16))  # more than a lattice's by rounding alone
    moments = force_moments(LOSSES["logistic"], 1)(np.ones(3), np.full(3, 0.5), scale)
    np.testing.assert_allclose(moments.slope, 1 / scale, rtol=0.05)  # where p ≈ ln S takes most of the force away
    np.testing.assert_allclose(moments.force * scale, np.log(scale), rtol=0.15)
