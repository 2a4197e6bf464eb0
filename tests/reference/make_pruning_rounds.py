"""Makes pruning_rounds.json: rounds of pruning on plain Sobol points of the whole pool.

    python tests/reference/make_pruning_rounds.py      # ten minutes on one core; nothing of the package enters

Every point is an example (s, g_1, .., g_J): a teacher's field and one Gaussian a learner. Rules rank the points, and
the equations (S1)-(S5) are sums over them::

    lambda Gamma a = alpha E[Phi G_w],  M c = -V E[G G_w],  b^2 + alpha c.Mc = alpha V^2 E[G_w^2],
    1/V = lambda - alpha E[g G_w]/b

with Phi = (s, f_1, ..), Gamma the Gram matrix of the learners and M_ij = E[G_i G_j] over all points, kept or not.
Errors are means over scrambles.
"""

import json
import math
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import qmc

SCRAMBLES, LOG2_POINTS = 4, 17


def step(mode, keep_fraction, *, aware=False, probe="logistic", ridge=0.1, share=1.0):
    return {
        "mode": mode,
        "keep_fraction": keep_fraction,
        "label_aware": aware,
        "probe": probe,
        "ridge": ridge,
        "share": share,
    }


def settings():
    two, half = math.sqrt(0.2), math.sqrt(0.5)
    return [
        ("hard twice", 10.0, 0.0, "max_margin", 0.0, False, [step("hard", two)] * 2),
        ("hard thrice", 3.0, 0.0, "max_margin", 0.0, False, [step("hard", 0.75)] * 3),
        ("easy twice", 10.0, 0.0, "logistic", 0.05, False, [step("easy", two)] * 2),
        ("mistakes twice", 5.0, 0.1, "logistic", 0.05, False, [step("easy", 0.9, aware=True)] * 2),
        (
            "shares and probes",
            3.0,
            0.1,
            "square",
            0.3,
            False,
            [step("hard", half, probe="square", ridge=0.5, share=0.6), step("hard", half, probe="squared_hinge")],
        ),
        ("whole pool again", 10.0, 0.0, "max_margin", 0.0, True, [step("hard", 0.45), step("hard", 0.2)]),
        (
            "whole pool, share",
            4.0,
            0.1,
            "logistic",
            0.05,
            True,
            [step("easy", 0.6, share=0.5), step("hard", 0.4, share=0.5)],
        ),
    ]


def output(loss, omega, V):
    """Force G and D = -dG/domega."""
    if loss == "square":
        return (1 - omega) / (1 + V), np.full_like(omega, 1 / (1 + V))
    if loss in ("squared_hinge", "max_margin"):
        short, stiff = np.maximum(1 - omega, 0.0), (1 + V if loss == "squared_hinge" else V)
        return short / stiff, (omega < 1) / stiff
    field = np.maximum(omega, 0.0)
    for _ in range(100):
        change = (field - V * expit(-field) - omega) / (1 + V * expit(field) * expit(-field))
        field = field - np.clip(change, -2.0, 2.0)
        if np.max(np.abs(change)) < 1e-13:
            break
    second = expit(field) * expit(-field)
    return expit(-field), second / (1 + V * second)


class Chain:
    """Learners in a row on the same points."""

    def __init__(self, alpha, noise, learners, seed):
        uniform = qmc.Sobol(2 * learners + 2, rng=np.random.default_rng(seed)).random_base2(LOG2_POINTS)
        normal = ndtri(np.clip(uniform, 1e-13, 1 - 1e-13))
        s = np.abs(normal[:, 0])
        self.alpha, self.g, self.chance = alpha, normal[:, 2 : 2 + learners], uniform[:, 2 + learners :]
        self.s = np.where(uniform[:, 1] < noise, -s, s)
        self.kept, self.margins, self.forces = np.ones(len(s), bool), [self.s], []
        self.gram = np.ones((1, 1))

    def train(self, loss, ridge, trained, remember):
        """Order parameters and fields; learners that are remembered are in the way of the next."""
        alpha, count, on = self.alpha, len(self.forces), np.flatnonzero(trained)
        forces = np.array(self.forces).reshape(count, len(self.s))
        M = forces @ forces.T / len(self.s)
        features = np.vstack([np.array(self.margins), forces, self.g[:, count][None]])
        along, kept = 1 + count, features[:, on]

        def equations(loss, ridge, x, V):
            force, D = output(loss, x @ kept, V)
            first, square = kept @ force / len(self.s), force @ force / len(self.s)
            a, c, b = x[:along], x[along:-1], x[-1]
            whole = b * b + alpha * c @ M @ c
            sides = np.concatenate(
                [
                    ridge * self.gram @ a - alpha * first[:along],
                    alpha * (M @ c / V + first[along:-1]),
                    [1 - ridge * V + alpha * V * first[-1] / b, math.log(whole / (alpha * V * V * square))],
                ]
            )
            second, slope = (kept * D) @ kept.T / len(self.s), kept @ (D * force) / len(self.s)
            jacobian = np.zeros((len(x) + 1,) * 2)
            jacobian[:along, :-1] = alpha * second[:along]
            jacobian[:along, :along] += ridge * self.gram
            jacobian[along:-2, :-1] = -alpha * second[along:-1]
            jacobian[along:-2, along:-2] += alpha * M / V
            jacobian[-2, :-1] = -alpha * V * second[-1] / b
            jacobian[-2, -2] -= alpha * V * first[-1] / b**2
            jacobian[-1, :-1] = 2 * slope / square
            jacobian[-1, along:-2] += 2 * alpha * M @ c / whole
            jacobian[-1, -2] += 2 * b / whole
            jacobian[:along, -1] = alpha * slope[:along] * V
            jacobian[along:-2, -1] = -alpha * (M @ c / V + V * slope[along:-1])
            jacobian[-2, -1] = -ridge * V + alpha * V * (first[-1] - V * slope[-1]) / b
            jacobian[-1, -1] = -2 + 2 * V * ((D * force) @ force) / len(self.s) / square
            return sides, jacobian

        def newton(loss, ridge, x, V):
            sides, jacobian = equations(loss, ridge, x, V)
            for _ in range(60):
                if np.linalg.norm(sides) < 1e-11:
                    break
                move = np.linalg.solve(jacobian, -sides)
                share = min(1.0, 1.0 / max(abs(move[-1]), abs(move[-2] / x[-1])))
                while share > 1e-6:
                    trial = x + share * move[:-1], V * math.exp(share * move[-1])
                    after, jacobian_after = equations(loss, ridge, *trial)
                    if np.linalg.norm(after) < (1 - 0.05 * share) * np.linalg.norm(sides):
                        break
                    share /= 2
                else:
                    break
                (x, V), sides, jacobian = trial, after, jacobian_after
            return x, V, float(np.linalg.norm(sides))

        soft, goal = ("squared_hinge", 1e-4) if loss == "max_margin" else (loss, ridge)
        path = 10 * (1 + alpha)
        x, V = np.zeros(len(features)), 1 / path
        x[-1] = math.sqrt(alpha * len(on) / len(self.s)) / path
        x, V, worst = newton(soft, path, x, V)
        while path > goal:
            path = max(goal, 0.3 * path)
            x, V, worst = newton(soft, path, x, V)
        if loss == "max_margin":
            x, V, worst = newton("max_margin", 1.0, x, V * path)
        assert worst < 1e-8, (loss, ridge, worst)
        omega, a = x @ features, x[:along]
        force = np.where(trained, output(loss, omega, V)[0], 0.0)
        overlaps = self.gram @ a
        square = a @ overlaps + x[-1] ** 2
        result = {
            "angle": math.atan2(math.sqrt(square - overlaps[0] ** 2), overlaps[0]),
            "overlap": overlaps[-1] / math.sqrt(square * self.gram[-1, -1]),
        }
        if remember:
            self.gram = np.block([[self.gram, overlaps[:, None]], [overlaps[None], np.array([[square]])]])
            self.margins.append(omega + V * force)
            self.forces.append(force)
        return result

    def prune(self, step, whole):
        margin = self.margins[-1] if step["label_aware"] else np.abs(self.margins[-1])
        ranked = np.arange(len(self.s)) if whole else np.flatnonzero(self.kept)
        order = ranked[np.argsort(margin[ranked])]
        count = round(step["keep_fraction"] * len(order))
        self.kept = np.zeros_like(self.kept)
        self.kept[order[:count] if step["mode"] == "hard" else order[-count:]] = True


def run(setting, seed):
    _, alpha, noise, loss, ridge, whole, rounds = setting
    chain, found = Chain(alpha, noise, len(rounds) + 1, seed), []
    for number, step in enumerate(rounds):
        trained = chain.kept & (chain.chance[:, number] < step["share"])
        probe = chain.train(step["probe"], step["ridge"], trained, remember=True)
        chain.prune(step, whole)
        student = chain.train(loss, ridge, chain.kept, remember=False)
        found.append([student["angle"] / math.pi, probe["angle"], student["overlap"]])
    return found


def main():
    rows = []
    for setting in settings():
        values = np.array([run(setting, seed) for seed in range(SCRAMBLES)])
        mean, error = values.mean(0), values.std(0, ddof=1) / math.sqrt(SCRAMBLES)
        solutions = [
            {"generalization_error": m[0], "standard_error": e[0], "probe_angle": m[1], "probe_overlap": m[2]}
            for m, e in zip(mean.tolist(), error.tolist(), strict=True)
        ]
        names = ("name", "alpha_total", "label_noise", "loss", "student_ridge", "rerank_pool", "rounds")
        rows.append(dict(zip(names, setting, strict=True)) | {"solutions": solutions})
        print(setting[0], solutions, flush=True)
    about = "Rounds of pruning on plain Sobol points of the whole pool, by make_pruning_rounds.py (see there)."
    path = Path(__file__).with_name("pruning_rounds.json")
    path.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
