"""Everything about the theory's speed and correctness, each part a script of its own.

    OPENBLAS_NUM_THREADS=1 python benchmarks/theory.py     # half an hour; the parts write theory_*.csv

theory_points: against dblquad and fsolve; theory_curves: costs; theory_domain: 10 000 random points.
"""

import theory_curves
import theory_domain
import theory_points

if __name__ == "__main__":
    theory_points.main()
    theory_curves.main()
    theory_domain.main(theory_domain.POINTS)
