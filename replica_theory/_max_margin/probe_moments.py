"""Averages over kept examples by quadrature over the probe's margin alone, for rules that are smooth functions of it.

In the plane of teacher and probe an example of label +1 lies at z along the probe and at w > w₀ = −z cot θ across it.
With δ = θ − ψ, a student of in-plane length p sees

    t = z cos δ + w sin δ,   v = z sin δ − w cos δ,   x = k − p t = a − b w,   b = p sin δ

Over w everything is in closed form. From Q'' = 2Φ, Q' = 2h and Q = x h + Φ with h(x) = xΦ(x) + φ(x), and

    F_n = ∫ φ(w) wⁿ Φ(x) dw,   H_n = ∫ φ(w) wⁿ h(x) dw,   G_n = ∫ φ(w) wⁿ φ(x) dw   over w > w₀

integration by parts leaves a bivariate normal F₀, a Gaussian G₀ and terms at w₀, where c² = 1 + b²::

    G₁ = (a b G₀ + φ(w₀) φ(x₀))/c²         H₀ = a F₀ + c² G₀ − b φ(w₀) Φ(x₀)
    F₁ = −b G₀ + φ(w₀) Φ(x₀)               H₁ = −b F₀ + φ(w₀) h(x₀)
    F₂ = F₀ − b G₁ + w₀ φ(w₀) Φ(x₀)        H₂ = H₀ − b F₁ + w₀ φ(w₀) h(x₀)
"""

import math
from typing import Any

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._numerics.elementary import every, functions_of, ratio
from replica_theory._numerics.gaussian import FAR, normal_density, orthant
from replica_theory._numerics.quadrature import GaussianPanels, Nodes, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_LONGEST_STUDENT = 25.0  # p beyond which the closed forms would lose p³ roundings of the averages

_PANELS = GaussianPanels(
    grid=np.array([-12.0, -9.0, -6.5, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.5, 9.0, 12.0]),
    order=10,
    step_ends=np.array([-11.0, -8.0, -5.5, -2.5, 0.0, 2.5, 5.5, 8.0]),
    widest=0.6,
)


def by_probe_field(kept: KeptDistribution, students: OrderParameters, longest: float = _LONGEST_STUDENT) -> bool:
    """Whether averages are taken over z: of a rule that is no constant between edges, and of students not too long."""
    if kept.is_constant or not kept.probe_angle > 0:
        return False
    in_doubles = students.length.dtype == float if students.are_many else isinstance(students.length, float)
    return in_doubles and every(students.length <= longest)


def probe_nodes(kept: KeptDistribution, students: OrderParameters) -> Nodes:
    """Quadrature in z of each student."""
    return panel_nodes([_probe_panels(kept, s.k, s.length, s.angle) for s in students.each], _PANELS.order)


def _probe_panels(kept: KeptDistribution, k: float, p: float, angle: float) -> list[float]:
    """Panels around the label's step in z, the shortfall's, and the one where both begin at once."""
    theta = kept.probe_angle
    along, across, turned = p * math.cos(theta - angle), p * math.sin(theta - angle), p * math.sin(angle)
    sine, tangent = math.sin(theta), math.tan(theta)
    steps = [
        (0.0, tangent),
        (ratio(k, along), abs(ratio(math.hypot(1.0, across), along))),
        (ratio(k * sine, turned), abs(ratio(sine, turned))),
    ]
    (least, most), reach = kept.range, _PANELS.reach
    lower, upper = max(least, -reach, -reach * tangent), min(most, reach)
    return _PANELS.panels(lower, max(upper, lower), steps, kept.panel_ends.tolist())


def probe_integrands(kept: KeptDistribution, students: OrderParameters, nodes: Nodes) -> list[np.ndarray]:
    """Terms of `ShortfallAverages` at the nodes in z, weights included, in its order; (16,) of (nodes,)."""
    theta, z = kept.probe_angle, nodes.points
    functions, delta = functions_of(students.angle), theta - students.angle
    cosine, sine = nodes.at_nodes(functions.cos(delta)), nodes.at_nodes(functions.sin(delta))
    k, p = nodes.at_nodes(students.k), nodes.at_nodes(students.length)
    a, b = k - p * cosine * z, p * sine
    start = np.clip(-z / math.tan(theta), -FAR, FAR)  # w₀
    (f0, f1, f2), (h0, h1, h2) = _moments(a, b, start)
    weight = nodes.weights * (4 / kept.keep_fraction) * normal_density(z) * kept(z)
    f0, f1, f2, h0, h1, h2 = (weight * moment for moment in (f0, f1, f2, h0, h1, h2))
    along, across = z * cosine, z * sine  # t = along + sine w, v = across − cosine w, x = a − b w
    dq_x, dq_t, dq_v = a * h0 - b * h1, along * h0 + sine * h1, across * h0 - cosine * h1
    ddq_x, ddq_t, ddq_v = a * f0 - b * f1, along * f0 + sine * f1, across * f0 - cosine * f1
    ddq_x_w, ddq_v_w = a * f1 - b * f2, across * f1 - cosine * f2
    return [
        h0,
        dq_x,
        dq_t,
        a * dq_x - b * (a * h1 - b * h2),
        along * dq_t + sine * (along * h1 + sine * h2),
        dq_v,
        across * dq_v - cosine * (across * h1 - cosine * h2),
        f0,
        ddq_x,
        ddq_t,
        a * ddq_x - b * ddq_x_w,
        along * ddq_x + sine * ddq_x_w,
        ddq_v,
        across * ddq_x - cosine * ddq_x_w,
        along * ddq_v + sine * ddq_v_w,
        across * ddq_v - cosine * ddq_v_w,
    ]


def _moments(a: np.ndarray, b: Any, start: np.ndarray) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """F₀, F₁, F₂ and H₀, H₁, H₂."""
    squared = 1 + b * b
    c = squared**0.5
    x, at_start = a - b * start, normal_density(start)
    density, cumulative = at_start * normal_density(x), at_start * ndtr(x)
    half_slope = x * cumulative + density
    g0 = normal_density(a / c) / c * ndtr(a * b / c - c * start)
    g1 = (a * b * g0 + density) / squared
    f0 = orthant(-start, a / c, -b / c)
    f1 = cumulative - b * g0
    f2 = f0 - b * g1 + start * cumulative
    h0 = a * f0 + squared * g0 - b * cumulative
    h1 = half_slope - b * f0
    h2 = h0 - b * f1 + start * half_slope
    return (f0, f1, f2), (h0, h1, h2)
