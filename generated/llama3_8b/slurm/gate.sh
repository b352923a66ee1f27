#!/usr/bin/env bash
# The end of a plan: its manifest, and its verdict. Exits 0 for SHIP, 3 for HOLD, so that what serves can depend on it.
#SBATCH --job-name=llama3_8b-gate
#SBATCH --partition=cpu
#SBATCH --account=llm
#SBATCH --time=1-00:00:00
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --no-requeue
#SBATCH --open-mode=append
set -euo pipefail

set +u # what conda and others run there reads variables that are not set
module load cuda
set -u
cd -- "$PDSL_PROJECT" || exit 5

manifest=$(pdsl stage manifest --plan "$PDSL_PLAN" --store "$PDSL_STORE")
echo "$manifest"
pdsl gate "$manifest" --store "$PDSL_STORE"
