"""The saddle point of regularised risk: four equations in the student x = (a₁, a₂, b) and the scale V.

At the field ω = x·g of a kept example, g = (z, v, h), with F = ω − p, p = prox_{Vwℓ}(ω) and w its sample weight::

    (i)    b² = α E F²
    (ii)   λ V a₁ = −α E[F z]
    (iii)  λ V a₂ = −α E[F v]
    (iv)   α (1 − E ∂p/∂ω) = 1 − λ V

Times b, (iv) is λ V b = b − α E[F h]: h is Gaussian, so that E[F h] = b E ∂F/∂ω. The equations say that a potential,
convex in x and concave in τ = b/V, is stationary::

    Ψ(x, τ) = λ |x|²/2 + α E[w ℓ(p) + F²/(2V)] − b τ/2

With f = α E[F g], S = α E F² and e₃ = (0, 0, 1), the unit vector outside the plane, the two parts of its gradient are::

    G_x =  ∂Ψ/∂x = λ x + f/V − e₃ [b/(2V) + S/(2Vb)]
    G_τ = −∂Ψ/∂τ = (b − S/b)/2

The map (x, τ) ↦ (G_x, G_τ) is monotone, so that its root is unique and Newton's steps descend. Its Jacobian follows
from ∂F/∂ω = 1 − p' and ∂F/∂ln V = F p', with p' = ∂p/∂ω::

    ∂f/∂x = K = α E[(1 − p') g gᵀ],     ∂f/∂ln V = f' = α E[F p' g]
    ∂S/∂x = 2 (f − f'),                 ∂S/∂ln V = S' = 2 α E[F² p']

At fixed V::

    ∂G_x/∂x = λ + K/V − e₃ (∂S/∂x)ᵀ/(2Vb) − e₃e₃ᵀ [1/(2V) − S/(2Vb²)]
    ∂G_τ/∂x = −(∂S/∂x)ᵀ/(2b) + e₃ᵀ [1/2 + S/(2b²)]
    ∂G_x/∂ln V = (f' − f)/V + e₃ [b/(2V) + S/(2Vb) − S'/(2Vb)]
    ∂G_τ/∂ln V = −S'/(2b)

and as V = b/τ, in the unknowns (x, ln τ) of the solver::

    ∂G/∂x at fixed τ = ∂G/∂x + (∂G/∂ln V) e₃ᵀ/b,      ∂G/∂ln τ = −∂G/∂ln V

Of several sources (`MixedAverages`) E is the sum over all of them and x has a component on every axis that one of them
knows, its last one still outside; nothing else changes.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory.losses.base import Loss


@dataclass(frozen=True)
class SaddlePointEquations:
    """The gradient at some order parameters, zero at the saddle point.

    Attributes:
        gradient: (G_x, G_τ), (4,), or one more than the student has components.
        jacobian: ∂(G_x, G_τ)/∂(x, ln τ), square.
        size: Of the terms that each entry of the gradient is the sum of, like it.
    """

    gradient: np.ndarray
    jacobian: np.ndarray
    size: np.ndarray

    @property
    def residual(self) -> float:
        """Largest entry of the gradient, relative to the size of its terms."""
        return float(np.max(np.abs(self.gradient / self.size)))


@dataclass(frozen=True)
class RegularisedRisk:
    """The loss, and the averages over the kept examples."""

    loss: Loss
    averages: KeptAverages

    def equations(self, at: OrderParameters) -> SaddlePointEquations:
        """(i)–(iv) as the gradient of Ψ, with its Jacobian."""
        alpha, ridge, x, V = at.alpha, at.ridge, at.components, at.scale
        n, b = x.size, float(x[-1])
        outside = np.append(np.zeros(n - 1), 1.0)  # e₃
        nodes = self.averages(self.loss.breakpoints, x, V)
        p, slope = self.loss.proximal_and_slope(nodes.field, V * nodes.loss_weight)
        F = nodes.field - p

        f, f_by_v = alpha * nodes.first(F), alpha * nodes.first(F * slope)
        f_by_x = alpha * nodes.second(1 - slope)
        S, S_by_v = alpha * nodes.mean(F**2), 2 * alpha * nodes.mean(F**2 * slope)
        S_by_x = 2 * (f - f_by_v)

        gradient = np.append(ridge * x + f / V - outside * (b / (2 * V) + S / (2 * V * b)), (b - S / b) / 2)
        by_x, by_v = np.empty((n + 1, n)), np.empty(n + 1)
        by_x[:n] = ridge * np.eye(n) + f_by_x / V
        by_x[n - 1] -= S_by_x / (2 * V * b)
        by_x[n - 1, -1] -= 1 / (2 * V) - S / (2 * V * b * b)
        by_x[n] = -S_by_x / (2 * b)
        by_x[n, -1] += 0.5 + S / (2 * b * b)
        by_v[:n] = (f_by_v - f) / V
        by_v[n - 1] += b / (2 * V) + S / (2 * V * b) - S_by_v / (2 * V * b)
        by_v[n] = -S_by_v / (2 * b)
        by_x[:, -1] += by_v / b  # V = b/τ

        size = np.append(np.maximum(ridge * np.abs(x) + np.abs(f) / V, b / V), b)
        return SaddlePointEquations(gradient, np.column_stack([by_x, -by_v]), size)
