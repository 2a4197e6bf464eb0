"""Whole trials as compiled programs on JAX's devices: draw, prune, solve, verify, measure; numbers alone come back.

A trial is a function of (seed, trial). ``rule`` says which ranks of a pool are kept, ``draws`` makes the kept examples,
``students`` names the solver of each student (``max_margin``, ``differentiable``, ``hinge``), each with its residual on
all rows, ``programs`` spreads a batch of trials over devices, and ``stages`` runs any number of them: quickly, then
patiently what is not verified yet, and by the CPU's exact solver what is left. ``trials`` are those of `simulate`,
``rounds`` those of `simulate_rounds`: whole pools that ``own_probes`` prune, as ``own_pools`` says for host and device.
"""
