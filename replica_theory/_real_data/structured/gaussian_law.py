"""Laws in closed form: mixtures of Gaussian components, labelled by class or by a teacher's field, of given radii.

In a component the inputs are x = μ + ρ Σ^{1/2} g with g ~ N(0, I) and a radius ρ. What ranks and labels them are the
fields F = (probe·x, teacher·x) = Bᵀμ + ρ L ζ with ζ standard normal and L Lᵀ = BᵀΣB. Given ζ the inputs are::

    x = μ + ρ Σ B L⁻ᵀ ζ + ρ e,   e ~ N(0, Σ − Σ B (BᵀΣB)⁻¹ BᵀΣ),

so that the plane is spanned by the columns of μ and Σ B L⁻ᵀ of all components, and the bulk is exactly Gaussian.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, composite_rule, panel_rule
from replica_theory._real_data.structured.bulk import Bulk, bulk_of
from replica_theory._real_data.structured.examples import Examples, Law, Student
from replica_theory._real_data.structured.mixture_margins import MixtureMargins
from replica_theory.selection.margins import IndependentMargins, MarginDistribution

LabelChance = Callable[[np.ndarray], np.ndarray]
"""P(y = +1 | u), of the teacher's field in units of its root mean square."""

_GRID = np.array([-7.4, -4.2, -2.0, 0.0, 2.0, 4.2, 7.4])  # panel ends in ζ
_ORDERS = (6, 10, 16, 24, 32)  # Gauss–Legendre nodes on a panel, by level
_PARALLEL = 1e-14  # 1 − squared correlation of probe and teacher below which their fields are one
_INDEPENDENT = 1e-10  # singular value, relative to the largest, of directions that add to the plane
_NEGLIGIBLE = 1e-17  # chance of a node that is left out
_ERROR_PANELS = GaussianPanels(grid=np.linspace(-9.0, 9.0, 13), order=16)


@dataclass(frozen=True, eq=False)
class Component:
    """A Gaussian component.

    Attributes:
        share: Its share of the pool.
        mean: μ, (d,).
        covariance: Σ, (d, d).
        group: Number of its covariance among those of the law.
        label: ±1, or None where the teacher labels.
    """

    share: float
    mean: np.ndarray
    covariance: np.ndarray
    group: int
    label: float | None


@dataclass(frozen=True, eq=False)
class FieldFrame:
    """Fields and places of a component's inputs by ζ.

    Attributes:
        mean: Means of the fields of probe and, if it labels, teacher, (fields,).
        load: L, (fields, q): one column where both fields are one.
        places: μ and Σ B L⁻ᵀ, (d, 1 + q).
    """

    mean: np.ndarray
    load: np.ndarray
    places: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianLaw(Law):
    """A mixture of Gaussian components.

    Attributes:
        components: The components.
        probe: Direction of the probe, (d,).
        teacher: Direction of the teacher, (d,), where it labels.
        label_chance: P(y = +1 | u).
        flip: η where labels are the teacher's sign, flipped with that chance; None for any other label_chance.
        radii: ρ and their shares, (2, radii).
        normalisation: N.
        intercept: Whether students have one.
        common_plane: Q, if others share it; that of this law's places where it is None.
    """

    components: tuple[Component, ...]
    probe: np.ndarray
    teacher: np.ndarray | None
    label_chance: LabelChance
    flip: float | None
    radii: np.ndarray
    normalisation: float
    intercept: bool
    common_plane: np.ndarray | None = None

    @cached_property
    def frames(self) -> list[FieldFrame]:
        """Fields and places, one frame a component."""
        return [self._frame(component) for component in self.components]

    def _frame(self, component: Component) -> FieldFrame:
        teacher = self.teacher if component.label is None else None
        directions = self.probe[:, None] if teacher is None else np.column_stack([self.probe, teacher])
        pulled = component.covariance @ directions
        gram = directions.T @ pulled
        load = np.zeros_like(gram)
        load[:, 0] = gram[:, 0] / np.sqrt(gram[0, 0])
        if len(gram) == 2 and (left := gram[1, 1] - load[1, 0] ** 2) > _PARALLEL * gram[1, 1]:
            load[1, 1] = np.sqrt(left)
            axes = np.linalg.solve(load, pulled.T).T
        else:
            load, axes = load[:, :1], pulled[:, :1] / load[0, 0]
        return FieldFrame(directions.T @ component.mean, load, np.column_stack([component.mean, axes]))

    @cached_property
    def plane(self) -> np.ndarray:
        """Q, orthonormal directions that the components' places span, (d, k)."""
        return plane_of([self]) if self.common_plane is None else self.common_plane

    @cached_property
    def coordinates(self) -> list[np.ndarray]:
        """Places in the plane, one matrix (k, 1 + q) a component; with an intercept its row is last."""
        places = [self.plane.T @ frame.places for frame in self.frames]
        if not self.intercept:
            return places
        return [np.vstack([place, np.eye(1, place.shape[1])]) for place in places]

    @cached_property
    def probe_unit(self) -> float:
        """Root mean square of the probe's field over the pool."""
        return self._root_mean_square(0)

    @cached_property
    def teacher_unit(self) -> float:
        """Root mean square of the teacher's field over what it labels."""
        return self._root_mean_square(1)

    def _root_mean_square(self, field: int) -> float:
        square_radius, square, total = float(self.radii[1] @ self.radii[0] ** 2), 0.0, 0.0
        for component, frame in zip(self.components, self.frames, strict=True):
            if field < len(frame.mean):
                square += component.share * (frame.mean[field] ** 2 + square_radius * (frame.load[field] ** 2).sum())
                total += component.share
        return float(np.sqrt(square / total))

    @property
    def symmetric(self) -> bool:
        """Whether (x, y) and (−x, −y) are alike."""
        centred = not any(component.mean.any() for component in self.components)
        return centred and self.flip is not None and all(c.label is None for c in self.components)

    @property
    def _one_label(self) -> bool:
        """Whether examples of label +1 stand for all: their y x are those of the others, but not their y."""
        return self.symmetric and not self.intercept

    def margins(self) -> MarginDistribution:
        if self.symmetric and len(self.components) == 1 and self.radii.shape[1] == 1 and self.flip is not None:
            load = self.frames[0].load
            angle = np.arctan2(load[1, 1] if load.shape[1] == 2 else 0.0, load[1, 0])
            if angle <= np.pi / 2:
                return IndependentMargins(float(angle), self.flip)
        return MixtureMargins(self._margin_examples, symmetric=self.symmetric)

    def _margin_examples(self, edges: np.ndarray) -> Examples:
        return self.examples(edges, 2)

    def examples(self, edges: np.ndarray, level: int) -> Examples:
        cuts = np.union1d(edges, -edges) * self.probe_unit
        parts = [
            part
            for component, frame, places in zip(self.components, self.frames, self.coordinates, strict=True)
            for radius, share in self.radii.T
            for part in self._of_radius(component, frame, places, radius, share, cuts, _ORDERS[level])
        ]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        coordinates, margin, square_radius, group, share = columns
        ones = np.ones(len(share))
        return Examples(coordinates, margin, square_radius, group, share / share.sum(), ones, np.zeros_like(group))

    def _of_radius(
        self,
        component: Component,
        frame: FieldFrame,
        places: np.ndarray,
        radius: float,
        share: float,
        cuts: np.ndarray,
        order: int,
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """Columns of the nodes of a component at one radius, for each label."""
        zeta, chance = field_nodes(frame, radius, cuts, order)
        fields = frame.mean[:, None] + radius * frame.load @ zeta
        place = places @ np.vstack([np.ones(zeta.shape[1]), radius * zeta])
        for label in (1.0, -1.0):
            if label < 0 and self._one_label:
                continue
            labelled = chance * component.share * share * self._label_chance(component, fields, label)
            used = labelled > _NEGLIGIBLE
            yield (
                label * place[:, used].T,
                label * fields[0, used] / self.probe_unit,
                np.full(used.sum(), radius**2),
                np.full(used.sum(), component.group),
                labelled[used],
            )

    def _label_chance(self, component: Component, fields: np.ndarray, label: float) -> np.ndarray:
        """P(y = label | u)."""
        if component.label is not None:
            return np.full(fields.shape[1], float(component.label == label))
        positive = self.label_chance(fields[1] / self.teacher_unit)
        return positive if label > 0 else 1 - positive

    def bulk(self, *, finite: bool) -> Bulk:
        return self._bulk_of_n if finite else self._bulk_of_the_limit

    @cached_property
    def _bulk_of_n(self) -> Bulk:
        return self._bulk(finite=True)

    @cached_property
    def _bulk_of_the_limit(self) -> Bulk:
        return self._bulk(finite=False)

    def _bulk(self, *, finite: bool) -> Bulk:
        given, whole = self.covariances()
        order = sorted(whole)
        covariances = [given[group] for group in order]
        counted = covariances if finite else [whole[group] for group in order]
        return bulk_of(covariances, counted, self.plane, self.normalisation)

    def covariances(self) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """Of each group of components: what the fields leave open, and the whole."""
        whole: dict[int, np.ndarray] = {}
        given: dict[int, np.ndarray] = {}
        for component, frame in zip(self.components, self.frames, strict=True):
            axes = frame.places[:, 1:]
            whole[component.group] = component.covariance
            given[component.group] = component.covariance - axes @ axes.T
        return given, whole

    def error(self, student: Student, *, clean: bool) -> float:
        return float(
            sum(
                component.share * share * self._component_error(component, frame, places, radius, student, clean)
                for component, frame, places in zip(self.components, self.frames, self.coordinates, strict=True)
                for radius, share in self.radii.T
            )
        )

    def _component_error(
        self,
        component: Component,
        frame: FieldFrame,
        places: np.ndarray,
        radius: float,
        student: Student,
        clean: bool,
    ) -> float:
        """Chance of a mistake at one radius, by an integral over the teacher's field where it labels."""
        centre, axes = places[:, 0], radius * places[:, 1:]
        slope, outside = axes.T @ student.plane, (radius * student.deviation[component.group]) ** 2
        if component.label is not None:  # the whole field is Gaussian
            free = axes.T @ student.covariance @ axes
            variance = outside + slope @ slope + centre @ student.covariance @ centre + np.trace(free)
            mean = component.label * (student.plane @ centre)
            return float(student.chance_below(mean, variance, outside=outside, group=component.group, free=free))
        along = frame.load[1] / np.linalg.norm(frame.load[1])
        across = axes - np.outer(axes @ along, along)  # what the teacher's field leaves open
        free = across.T @ student.covariance @ across
        always = outside + (across.T @ student.plane) @ (across.T @ student.plane) + np.trace(free)
        unit = radius * np.linalg.norm(frame.load[1])
        kink, rise = np.array([[-frame.mean[1] / unit]]), slope @ along
        with np.errstate(divide="ignore", invalid="ignore"):
            features = np.array([[-(student.plane @ centre) / rise]]), np.array([[np.sqrt(always) / np.abs(rise)]])
        reach = _ERROR_PANELS.reach
        nodes = _ERROR_PANELS.nodes(-reach, reach, features=features, kinks=kink)
        place = centre[:, None] + np.outer(axes @ along, nodes.points)
        variance = always + np.einsum("ki,kl,li->i", place, student.covariance, place)
        negative = student.chance_below(
            student.plane @ place, variance, outside=outside, group=component.group, free=free
        )
        field = frame.mean[1] + unit * nodes.points
        positive_label = (field > 0).astype(float) if clean else self.label_chance(field / self.teacher_unit)
        wrong = positive_label * negative + (1 - positive_label) * (1 - negative)
        return float((nodes.weights * normal_density(nodes.points)) @ wrong)


def plane_of(laws: Sequence[GaussianLaw]) -> np.ndarray:
    """Q, orthonormal directions that the places of all components of these laws span, (d, k)."""
    columns = np.column_stack([frame.places for law in laws for frame in law.frames])
    sizes = np.linalg.norm(columns, axis=0)
    vectors, values, _ = np.linalg.svd(columns[:, sizes > 0] / sizes[sizes > 0], full_matrices=False)
    return vectors[:, values > _INDEPENDENT * values[0]]


def field_nodes(frame: FieldFrame, radius: float, cuts: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """ζ, (q, nodes), and chances: panels end where the probe's field is a cut, and where the teacher's is 0."""
    unit = radius * frame.load[0, 0]
    ends = (cuts - frame.mean[0]) / unit
    labelled, both = len(frame.mean) == 2, frame.load.shape[1] == 2
    if labelled and not both:
        ends = np.append(ends, -frame.mean[1] / (radius * frame.load[1, 0]))
    outer = composite_rule(np.sort(np.concatenate([_GRID, np.clip(ends, _GRID[0], _GRID[-1])]))[None], order)
    first, chance = outer.points, outer.weights * normal_density(outer.points)
    if not both:
        return first[None], chance
    boundary = -(frame.mean[1] / radius + frame.load[1, 0] * first) / frame.load[1, 1]
    inner = np.concatenate([np.broadcast_to(_GRID, (len(first), len(_GRID))), boundary[:, None]], axis=1)
    second, weights = panel_rule(np.sort(np.clip(inner, _GRID[0], _GRID[-1]), axis=1), order)
    chances = chance[:, None] * weights * normal_density(second)
    used = chances > _NEGLIGIBLE
    return np.stack([np.broadcast_to(first[:, None], second.shape)[used], second[used]]), chances[used]
