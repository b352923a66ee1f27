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
PDSL_JOBS=${PDSL_JOBS:-$PDSL_STORE/jobs/llama_7b}
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
names=(PATH HOME USER LANG PDSL_PROJECT PDSL_STORE PDSL_JOBS PDSL_PLAN HF_TOKEN)
for name in "${!SBATCH_@}" "${!SRUN_@}" "${!PMI@}" "${!SLURM_@}"; do
    [ "$name" = SLURM_CONF ] || unset "$name"
done
: "${HF_TOKEN?is not set, and the jobs need it}"

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
    request=(sbatch --parsable --comment="pdsl:llama_7b:$stage" --chdir="$PDSL_PROJECT" --output="$PDSL_JOBS/logs/$stage-%j.log")
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
[ -n "${finished[02_ingest]:-}" ] || submit 02_ingest afterok 01_local_files
[ -n "${finished[03_deduplicate]:-}" ] || submit 03_deduplicate afterok 02_ingest
[ -n "${finished[04_split]:-}" ] || submit 04_split afterok 03_deduplicate
[ -n "${finished[05_split]:-}" ] || submit 05_split afterok 03_deduplicate
[ -n "${finished[06_train_tokenizer]:-}" ] || submit 06_train_tokenizer afterok 04_split
[ -n "${finished[07_tokenize]:-}" ] || submit 07_tokenize afterok 04_split 06_train_tokenizer
[ -n "${finished[08_tokenize]:-}" ] || submit 08_tokenize afterok 05_split 06_train_tokenizer
[ -n "${finished[09_pretrain]:-}" ] || submit 09_pretrain afterok 06_train_tokenizer 07_tokenize 08_tokenize
[ -n "${finished[10_local_files]:-}" ] || submit 10_local_files afterok
[ -n "${finished[11_chat_files]:-}" ] || submit 11_chat_files afterok 10_local_files
[ -n "${finished[12_local_files]:-}" ] || submit 12_local_files afterok
[ -n "${finished[13_preference_files]:-}" ] || submit 13_preference_files afterok 12_local_files
[ -n "${finished[14_local_files]:-}" ] || submit 14_local_files afterok
[ -n "${finished[15_preference_files]:-}" ] || submit 15_preference_files afterok 14_local_files
[ -n "${finished[16_local_files]:-}" ] || submit 16_local_files afterok
[ -n "${finished[17_prompt_files]:-}" ] || submit 17_prompt_files afterok 16_local_files
[ -n "${finished[18_local_files]:-}" ] || submit 18_local_files afterok
[ -n "${finished[19_prompt_files]:-}" ] || submit 19_prompt_files afterok 18_local_files
[ -n "${finished[20_local_files]:-}" ] || submit 20_local_files afterok
[ -n "${finished[21_suite_files]:-}" ] || submit 21_suite_files afterok 20_local_files
[ -n "${finished[22_sft]:-}" ] || submit 22_sft afterok 09_pretrain 11_chat_files
[ -n "${finished[23_train_reward]:-}" ] || submit 23_train_reward afterok 13_preference_files 15_preference_files 22_sft
[ -n "${finished[24_dpo]:-}" ] || submit 24_dpo afterok 13_preference_files 15_preference_files 19_prompt_files 22_sft
[ -n "${finished[25_constitutional_ai]:-}" ] || submit 25_constitutional_ai afterok 11_chat_files 17_prompt_files 19_prompt_files 22_sft 23_train_reward 24_dpo
[ -n "${finished[26_evaluate]:-}" ] || submit 26_evaluate afterok 21_suite_files 25_constitutional_ai
[ -n "${finished[27_quantize]:-}" ] || submit 27_quantize afterok 11_chat_files 21_suite_files 25_constitutional_ai
submit gate afterany 01_local_files 02_ingest 03_deduplicate 04_split 05_split 06_train_tokenizer 07_tokenize 08_tokenize 09_pretrain 10_local_files 11_chat_files 12_local_files 13_preference_files 14_local_files 15_preference_files 16_local_files 17_prompt_files 18_local_files 19_prompt_files 20_local_files 21_suite_files 22_sft 23_train_reward 24_dpo 25_constitutional_ai 26_evaluate 27_quantize

[ -z "$dry" ] || exit 0
mv -- "$PDSL_JOBS/jobs.tsv.new" "$PDSL_JOBS/jobs.tsv"
scontrol release "${roots[@]}" # none starts before all are there
trap - ERR INT TERM
cat -- "$PDSL_JOBS/jobs.tsv"
