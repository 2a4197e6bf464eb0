"""Settings of the whole suite."""

import os

# Small matrices: threads of the linear algebra would only wait for each other. Set before NumPy loads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
