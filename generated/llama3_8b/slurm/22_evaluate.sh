#!/usr/bin/env bash
# One stage of a plan. Written by `pdsl compile`; submitted by submit.sh, which sets PDSL_PLAN, PDSL_STORE, PDSL_PROJECT and PDSL_JOBS.
#SBATCH --job-name=llama3_8b-22_evaluate
#SBATCH --partition=h100
#SBATCH --account=llm
#SBATCH --time=2-00:00:00
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1500G
#SBATCH --gpus-per-node=h100:8
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
# submit.sh sets PDSL_STORE; traps call `ask`.
# shellcheck disable=SC2153,SC2329
set -euo pipefail

# What another job left in the environment is not meant for this one.
unset SLURM_CPU_BIND SLURM_MEM_PER_NODE SLURM_MEM_PER_CPU SLURM_MEM_PER_GPU
export NCCL_SOCKET_IFNAME=ib0
export NCCL_DEBUG=WARN
set +u # what conda and others run there reads variables that are not set
module load cuda
set -u
cd -- "$PDSL_PROJECT" || exit 5

attempt=$SLURM_JOB_ID.${SLURM_RESTART_COUNT:-0}
export SRUN_CPUS_PER_TASK=1
export PDSL_STOP=$PDSL_JOBS/stop-$attempt
export PDSL_ATTEMPT=$attempt
export PDSL_NODES=1
export PDSL_NODE=SLURM_NODEID

# Before the time limit comes USR1; before preemption and cancelling, TERM. Either asks training for a checkpoint.
asked=
ask() {
    asked=$1
    : > "$PDSL_STOP"
}
trap 'ask USR1' USR1
trap 'ask TERM' TERM

srun --kill-on-bad-exit=0 --export=ALL \
pdsl stage run 22_evaluate --plan "$PDSL_PLAN" --store "$PDSL_STORE" --threads 1 &
step=$!
code=0
wait "$step" || code=$?
while kill -0 "$step" 2> /dev/null; do # a signal ended the wait, not the stage
    code=0
    wait "$step" || code=$?
done
# A job that was stopped goes on as long as each attempt comes further; one that does not may try 5 times. So may one whose
# processes were killed by neither us nor a preemption: where a node is lost, the step can end before Slurm requeues its job.
again=
if [ "$asked" = USR1 ] && [ "$code" -ne 0 ] && [ "$code" -ne 3 ] && [ "$code" -ne 4 ]; then
    reached=$(cat -- "$PDSL_STOP.reached" 2> /dev/null || echo 0)
    before=$(cat -- "$PDSL_JOBS/reached-$SLURM_JOB_ID" 2> /dev/null || echo 0)
    echo "$reached" > "$PDSL_JOBS/reached-$SLURM_JOB_ID"
    again="stopped before the time limit"
    [ "$reached" -gt "$before" ] || [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ] || again=
elif [ -z "$asked" ] && [ "$code" -gt 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 5 ]; then
    again="killed by signal $((code - 128))"
fi
if [ -n "$again" ]; then
    echo "$again; goes on from its checkpoint"
    rm -f -- "$PDSL_STOP" "$PDSL_STOP.reached"
    scontrol requeue "$SLURM_JOB_ID"
    sleep 60 # the requeue ends this script; without it, the job failed
fi
rm -f -- "$PDSL_STOP" "$PDSL_STOP.reached"
exit "$code"
