"""How a student's error falls with α, at a fixed rule and a probe that grows with the pool.

(S1)–(S5) are F(x, α) = 0 in x = (A, r, c, b², ln V), so that dx/d ln α = −(∂F/∂x)⁻¹ ∂F/∂ln α. The pool changes with α
in its size, its probe and the rule's thresholds; ∂F/∂ln α is a difference.
"""

import math
from dataclasses import replace

import numpy as np

from replica_theory._trained_probe.first_variation import log_angle_gradient
from replica_theory._trained_probe.minimiser import FINE
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory._trained_probe.pruning import Pruning

_STEP = 1e-5  # of ln α_total; the slope's relative error is about as large


def log_error_slope(training: Training, student: OrderParameters, pool: PrunedPool, pruning: Pruning) -> float:
    """d ln ε/d ln α_prune."""
    more = pruning.of_total(pool.probe.alpha * math.exp(_STEP))
    if pool.makes_the_probe(training.loss, training.ridge):
        change = math.log(more.probe.angle / pool.probe.angle)
    else:
        here = training.equations(student, FINE)
        ahead = replace(training, alpha=more.probe.alpha, learners=more.probe.learners, pool=more)
        move = np.linalg.solve(here.jacobian, here.difference - ahead.equations(student, FINE).difference)
        turned = math.log(more.probe.angle_of(student) / pool.probe.angle_of(student))
        change = turned + float(log_angle_gradient(student, pool.probe) @ move)
    return change / (_STEP + math.log(more.keep_fraction / pool.keep_fraction))
