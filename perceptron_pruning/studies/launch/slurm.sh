#!/usr/bin/env bash
#SBATCH --job-name=perceptron-pruning
#SBATCH --ntasks=128
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G
#SBATCH --time=24:00:00
#SBATCH --requeue
# Simulates sweep.toml into sweep.zarr: one Dask worker a task, each on one core. Submit it again, or let it be requeued,
# and it goes on where it stopped.
set -euo pipefail

scheduler="$PWD/scheduler-$SLURM_JOB_ID.json"
dask scheduler --scheduler-file "$scheduler" --port 0 &  # any free one: two jobs may share a host
srun --cpu-bind=cores dask worker --scheduler-file "$scheduler" --nworkers 1 --nthreads 1 --local-directory "${TMPDIR:-/tmp}" &
trap 'kill $(jobs -p); rm -f "$scheduler"' EXIT
perceptron-pruning sweep sweep.toml --output sweep.zarr --scheduler "$scheduler"
