"""A sweep held against the theory, cell by cell."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from perceptron_pruning.comparison import Agreement, agreement, student_error, student_finite_size
from perceptron_pruning.studies.study import stable_text
from perceptron_pruning.sweeps.parsing import rule, student
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import Selection

_COLUMNS = {
    "theory": "test error ε of the theory at P/N",
    "simulated": "mean simulated ε; the median next to a transition",
    "difference": "simulated minus theory",
    "standard_error": "standard error of the simulated value",
    "finite_size": "expected difference at this N",
    "finite_size_error": "uncertainty of the expected difference",
    "z_score": "(difference - expected difference) / √(standard error² + uncertainty²)",
}


def compare_sweep(dataset: xr.Dataset, *, own: Sequence[Selection | EmpiricalRisk] = ()) -> xr.Dataset:
    """Compares every finished cell of a sweep with the theory, as `compare` does with one.

    Example::

        compared = compare_sweep(read_sweep("errors.zarr"))
        compared.agrees.all()
        compared.to_dataframe().reset_index()  # a table, one row a cell

    Args:
        dataset: From `sweep` or `read_sweep`; it may be unfinished.
        own: Rules and students of your own that the sweep used; those of this package are known by their labels.

    Returns:
        ``theory``, ``simulated``, ``difference``, ``standard_error``, ``finite_size``, ``finite_size_error``,
        ``z_score`` and ``agrees`` with the dimensions and labels of the cells; NaN and false where trials are missing.

    Raises:
        ValueError: A rule or student is not known, or there are fewer than 2 trials.
        SaddlePointError: The theory has no verified solution at a cell.
    """
    done = dataset.done.all("trial")
    known = {stable_text(one): one for one in own}
    columns = {name: np.full(done.shape, np.nan) for name in _COLUMNS}
    agrees = np.zeros(done.shape, dtype=bool)
    for place in zip(*np.nonzero(done.values), strict=True):
        comparison = _comparison(dataset.isel(dict(zip(done.dims, place, strict=True))), known)
        for name in columns:
            columns[name][place] = getattr(comparison, name)
        agrees[place] = comparison.agrees
    variables = {name: (done.dims, values, {"long_name": _COLUMNS[name]}) for name, values in columns.items()}
    return xr.Dataset(variables | {"agrees": (done.dims, agrees)}, dataset.drop_vars("trial", errors="ignore").coords)


def _comparison(cell: xr.Dataset, known: Mapping[str, Selection | EmpiricalRisk]) -> Agreement:
    if cell.sizes["trial"] < 2:
        raise ValueError(f"`dataset` must have at least 2 trials to give a standard error; got {cell.sizes['trial']}")
    rule_label, student_label = cell.selection.item(), cell.student.item()
    setting = {
        "student": known[student_label] if student_label in known else student(student_label),
        "selection": known[rule_label] if rule_label in known else rule(rule_label),
        "probe_angle": float(cell.probe_angles.mean()) if cell.probe == "trained" else cell.probe_angle.item(),
        "label_noise": cell.label_noise.item(),
    }
    n_features = cell.n_features.item()
    alpha = cell.n_kept.item() / n_features
    return agreement(
        cell.generalization_error.values,
        lambda alphas: student_error(alphas, **setting),
        alpha_prune=alpha,
        in_n_dimensions=student_finite_size(alpha, n_features=n_features, **setting),
    )
