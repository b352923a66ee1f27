#!/usr/bin/env bash
# Submits the stages of one plan as one graph. Written by `pdsl compile`.
#
#   submit.sh [--dry-run] [--done STAGE]...
#
# --dry-run   print the requests, submit nothing
# --done      a stage whose artifact is in the store: it gets no job, and nobody waits for it
#
# PDSL_PROJECT   the folder that the plan's modules are imported from; without it, the folder that this is called in
# PDSL_STORE     where artifacts are kept, on a file system that all nodes share; without it, .pdsl in that folder
# PDSL_JOBS      where logs and the jobs' numbers go; without it, jobs/PIPELINE in the store
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
PDSL_PROJECT=$(cd -- "${PDSL_PROJECT:-.}" && pwd)
PDSL_STORE=${PDSL_STORE:-$PDSL_PROJECT/.pdsl}
case $PDSL_STORE in /*) ;; *) PDSL_STORE=$PDSL_PROJECT/$PDSL_STORE ;; esac
PDSL_JOBS=${PDSL_JOBS:-$PDSL_STORE/jobs/qlora_7b}
PDSL_PLAN=$PDSL_JOBS/plan.json
export PDSL_PROJECT PDSL_STORE PDSL_JOBS PDSL_PLAN

dry=
declare -A finished=()
while [ -n "${1+x}" ]; do
    case $1 in
        --dry-run) dry=1 ;;
        --done)
            finished[${2:?--done needs a stage}]=1
            shift
            ;;
        *)
            echo "usage: submit.sh [--dry-run] [--done STAGE]..." >&2
            exit 2
            ;;
    esac
    shift
done

# A job's environment is what is named here, and nothing else: other variables of Slurm would change what it asks for.
names=(PATH HOME USER LANG PDSL_PROJECT PDSL_STORE PDSL_JOBS PDSL_PLAN)
for name in "${!SBATCH_@}" "${!SRUN_@}" "${!PMI@}" "${!SLURM_@}"; do
    [ "$name" = SLURM_CONF ] || unset "$name"
done

declare -A number=()
roots=()
submitted=()

cancel() {
    [ -z "${submitted[*]:-}" ] || scancel "${submitted[@]}"
}

# submit STAGE KIND PARENT...: one job, after its parents' by KIND; its number goes to number[STAGE].
submit() {
    local stage=$1 kind=$2 wait='' parent request=()
    shift 2
    for parent in "$@"; do
        [ -z "${number[$parent]:-}" ] || wait+=:${number[$parent]}
    done
    request=(sbatch --parsable --comment="pdsl:qlora_7b:$stage" --chdir="$PDSL_PROJECT" --output="$PDSL_JOBS/logs/$stage-%j.log")
    [ -z "$wait" ] || request+=(--dependency="$kind$wait")
    [ -n "$wait" ] || request+=(--hold)
    if [ -n "$dry" ]; then
        printf '%q ' "${request[@]}" "$here/$stage.sh"
        echo
        number[$stage]="<$stage>"
        return
    fi
    number[$stage]=$("${request[@]}" --export-file=<(for name in "${names[@]}"; do [ -z "${!name+x}" ] || printf '%s=%s\0' "$name" "${!name}"; done) "$here/$stage.sh")
    number[$stage]=${number[$stage]%%;*}
    submitted+=("${number[$stage]}")
    [ -n "$wait" ] || roots+=("${number[$stage]}")
    printf '%s\t%s\t%s\n' "$stage" "${number[$stage]}" "$(date +%s)" >> "$PDSL_JOBS/jobs.tsv.new"
}

if [ -z "$dry" ]; then
    mkdir -p -- "$PDSL_JOBS/logs"
    [ "$here/plan.json" = "$PDSL_PLAN" ] || cp -- "$here/plan.json" "$PDSL_PLAN"
    : > "$PDSL_JOBS/jobs.tsv.new"
    trap cancel ERR INT TERM
fi
[ -n "${finished[01_local_files]:-}" ] || submit 01_local_files afterok
[ -n "${finished[02_model_files]:-}" ] || submit 02_model_files afterok 01_local_files
[ -n "${finished[03_local_files]:-}" ] || submit 03_local_files afterok
[ -n "${finished[04_chat_files]:-}" ] || submit 04_chat_files afterok 03_local_files
[ -n "${finished[05_local_files]:-}" ] || submit 05_local_files afterok
[ -n "${finished[06_suite_files]:-}" ] || submit 06_suite_files afterok 05_local_files
[ -n "${finished[07_lora_sft]:-}" ] || submit 07_lora_sft afterok 02_model_files 04_chat_files
[ -n "${finished[08_merge_sft]:-}" ] || submit 08_merge_sft afterok 02_model_files 07_lora_sft
[ -n "${finished[09_evaluate]:-}" ] || submit 09_evaluate afterok 06_suite_files 08_merge_sft
submit gate afterany 01_local_files 02_model_files 03_local_files 04_chat_files 05_local_files 06_suite_files 07_lora_sft 08_merge_sft 09_evaluate

[ -z "$dry" ] || exit 0
mv -- "$PDSL_JOBS/jobs.tsv.new" "$PDSL_JOBS/jobs.tsv"
scontrol release "${roots[@]}" # none starts before all are there
trap - ERR INT TERM
cat -- "$PDSL_JOBS/jobs.tsv"
