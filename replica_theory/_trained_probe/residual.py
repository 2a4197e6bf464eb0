"""An independent residual: the eight equations of a lower-triangular state evolution, on another quadrature.

Probe and student are two learners on the same pool whose fields are h = m s + ξ with ξ ~ N(0, Q), and whose margins
f_p = h_p + V_p G_p, f_w = h_w + V_wp G_p + V_w G_w answer the forces of both, the student's those of the probe:

    (T1)  λ_p m_p = α E[s G_p]                     (T4)  λ_w m_w = α E[s G_w]
    (T2)  Q_pp = α V_p² E[G_p²]                    (T5)  Q_pw = α (V_p V_wp E[G_p²] + V_p V_w E[G_p G_w])
    (T3)  1/V_p = λ_p + α E[D_p]                   (T6)  Q_ww = α E[(V_wp G_p + V_w G_w)²]
    (T7)  1/V_w = λ_w + α E[k D_w]                 (T8)  V_wp/(V_p V_w) = −α E[∂G_w/∂h_p]

with D = ℓ''/(1 + V ℓ'') and, by Stein's identity, E[G_w ξ_p] = Q_pp E[∂G_w/∂h_p] − Q_pw E[k D_w], which needs no
derivative of a hard rule k. (T1)–(T3) are the probe's alone. The others are (S1)–(S5) under

    m_w = A + r m_p,   Q_pw = r Q_pp,   Q_ww = r² Q_pp + b²,   V_wp = c + r V_p.

Here the probe is a unit vector and its force of unit second moment, so that Q_pp = σ² and V_p = σ/√α.
"""

import math

import numpy as np

from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import Probe
from replica_theory._trained_probe.student_field import StudentField

RESIDUAL_TOLERANCE = 1e-9


def triangular_residual(training: Training, student: OrderParameters, probe: Probe, field: StudentField) -> float:
    """Largest difference between the sides of (T4)–(T8), relative to their terms, on a field with other panels."""
    alpha, ridge, V = training.alpha, training.ridge, student.scale
    (A, r), (c,), b = student.along, student.reaction, student.outside
    rho, Q_pp, V_p = probe.cosine, probe.sine**2, probe.sine / math.sqrt(alpha)
    m_w, Q_pw, Q_ww, V_wp = A + r * rho, r * Q_pp, r * r * Q_pp + b * b, c + r * V_p

    s_force, f_force, G_force, _ = field.first(field.force)
    square, response = field.mean(field.force**2), field.mean(field.stiffness)
    xi_force = f_force - V_p * G_force - rho * s_force
    reach = np.sqrt(square * field.kept)
    terms = (
        (ridge * m_w, -alpha * s_force, alpha * reach[0]),
        (Q_pw, -alpha * V_p * V_wp, -alpha * V_p * V * G_force, alpha * V_p * V * reach[2]),
        (Q_ww, -alpha * V_wp**2, -2 * alpha * V_wp * V * G_force, -alpha * V**2 * square),
        (1.0, -ridge * V, -alpha * V * response),
        (V_wp * Q_pp / V_p, -alpha * V * xi_force, -alpha * V * Q_pw * response, alpha * V * reach[1]),
    )
    sums = (sum(terms[0][:2]), sum(terms[1][:3]), sum(terms[2]), sum(terms[3]), sum(terms[4][:3]))
    sizes = [np.sum(np.abs(row)) for row in terms]
    return float(max(abs(total) / size for total, size in zip(sums, sizes, strict=True)))
