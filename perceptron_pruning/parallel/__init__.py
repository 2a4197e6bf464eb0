"""The machine: cores, worker processes, threads of the linear algebra, compiled programs."""
