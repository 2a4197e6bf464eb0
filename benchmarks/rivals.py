"""The solvers that people would otherwise use, each on its best formulation of the same problem.

    min ½‖w‖² subject to A w ≥ 1, rows of A labelled inputs of root-mean-square length 1

``pip install -e ".[benchmark]"``. Every function takes A (P, N) and returns w (N,).
"""

from typing import Any

import clarabel  # pyright: ignore[reportMissingImports]
import daqp  # pyright: ignore[reportMissingImports]
import numpy as np
import piqp  # pyright: ignore[reportMissingImports]
import quadprog  # pyright: ignore[reportMissingImports]
import scipy.sparse
from scipy.optimize import nnls
from sklearn.svm import SVC, LinearSVC  # pyright: ignore[reportMissingImports]

_clarabel: Any = clarabel  # a compiled module without type information
_TOLERANCE = 1e-10
_UNBOUNDED = 1e30


def daqp_dual(rows: np.ndarray) -> np.ndarray:
    """min ½ λᵀ A Aᵀ λ − 1ᵀλ over λ ≥ 0."""
    examples = len(rows)
    bounds = np.full(examples, _UNBOUNDED), np.zeros(examples), np.zeros(examples, dtype=np.int32)
    dual, *_ = daqp.solve(rows @ rows.T, -np.ones(examples), np.zeros((0, examples)), *bounds)
    return dual @ rows


def daqp_primal(rows: np.ndarray) -> np.ndarray:
    examples, features = rows.shape
    bounds = np.full(examples, _UNBOUNDED), np.ones(examples), np.zeros(examples, dtype=np.int32)
    return daqp.solve(np.eye(features), np.zeros(features), rows, *bounds)[0]


def piqp_dense(rows: np.ndarray) -> np.ndarray:
    examples, features = rows.shape
    solver = piqp.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_duality_gap_abs = _TOLERANCE
    solver.settings.eps_rel = solver.settings.eps_duality_gap_rel = _TOLERANCE
    solver.setup(np.eye(features), np.zeros(features), None, None, rows, np.ones(examples), None, None, None)
    solver.solve()
    return np.array(solver.result.x)


def quadprog_dual(rows: np.ndarray) -> np.ndarray:
    examples, features = rows.shape
    return quadprog.solve_qp(np.eye(features), np.zeros(features), rows.T, np.ones(examples))[0]


def clarabel_sparse(rows: np.ndarray) -> np.ndarray:
    examples, features = rows.shape
    settings = _clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    cone = [_clarabel.NonnegativeConeT(examples)]
    identity, constraints = scipy.sparse.eye(features, format="csc"), scipy.sparse.csc_matrix(-rows)
    problem = _clarabel.DefaultSolver(identity, np.zeros(features), constraints, -np.ones(examples), cone, settings)
    return np.array(problem.solve().x)


def scipy_nnls(rows: np.ndarray) -> np.ndarray:
    """Least-distance form of Lawson & Hanson."""
    examples, features = rows.shape
    system, right = np.vstack([rows.T, np.ones(examples)]), np.append(np.zeros(features), 1.0)
    combination, _ = nnls(system, right, maxiter=30 * examples)
    weights = combination @ rows / combination.sum()
    return weights / (weights @ weights)


def _labelled(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same problem with both labels, which scikit-learn wants."""
    labels = np.where(np.arange(len(rows)) % 2, 1.0, -1.0)
    return rows * labels[:, None], labels


def sklearn_svc(rows: np.ndarray) -> np.ndarray:
    """The dual of libsvm by C → ∞; it has a bias, which mirrored examples force to zero."""
    inputs, labels = _labelled(rows)
    machine = SVC(kernel="linear", C=1e10, tol=1e-8, max_iter=1_000_000)
    machine.fit(np.vstack([inputs, -inputs]), np.append(labels, -labels))
    return machine.coef_[0]


def sklearn_linear_svc(rows: np.ndarray) -> np.ndarray:
    inputs, labels = _labelled(rows)
    machine = LinearSVC(loss="hinge", C=1e6, fit_intercept=False, tol=1e-8, max_iter=20_000)
    return machine.fit(inputs, labels).coef_[0]


RIVALS = {
    "DAQP, dual": daqp_dual,
    "DAQP, primal": daqp_primal,
    "PIQP": piqp_dense,
    "quadprog": quadprog_dual,
    "Clarabel": clarabel_sparse,
    "SciPy NNLS": scipy_nnls,
    "scikit-learn SVC": sklearn_svc,
    "scikit-learn LinearSVC": sklearn_linear_svc,
}
