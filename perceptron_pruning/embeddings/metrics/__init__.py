"""The pruning metrics: one file for each piece of work that several may share; `registry` lists them."""
