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
PDSL_JOBS=${PDSL_JOBS:-$PDSL_STORE/jobs/tiny}
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
    request=(sbatch --parsable --comment="pdsl:tiny:$stage" --chdir="$PDSL_PROJECT" --output="$PDSL_JOBS/logs/$stage-%j.log")
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
[ -n "${finished[01_fetch]:-}" ] || submit 01_fetch afterok
[ -n "${finished[02_fetch]:-}" ] || submit 02_fetch afterok
[ -n "${finished[03_ingest]:-}" ] || submit 03_ingest afterok 01_fetch
[ -n "${finished[04_deduplicate]:-}" ] || submit 04_deduplicate afterok 03_ingest
[ -n "${finished[05_split]:-}" ] || submit 05_split afterok 04_deduplicate
[ -n "${finished[06_split]:-}" ] || submit 06_split afterok 04_deduplicate
[ -n "${finished[07_split]:-}" ] || submit 07_split afterok 04_deduplicate
[ -n "${finished[08_glosses]:-}" ] || submit 08_glosses afterok 02_fetch
[ -n "${finished[09_glosses]:-}" ] || submit 09_glosses afterok 02_fetch
[ -n "${finished[10_train_tokenizer]:-}" ] || submit 10_train_tokenizer afterok 05_split 08_glosses
[ -n "${finished[11_tokenize]:-}" ] || submit 11_tokenize afterok 05_split 08_glosses 10_train_tokenizer
[ -n "${finished[12_tokenize]:-}" ] || submit 12_tokenize afterok 06_split 09_glosses 10_train_tokenizer
[ -n "${finished[13_pretrain]:-}" ] || submit 13_pretrain afterok 10_train_tokenizer 11_tokenize 12_tokenize
[ -n "${finished[14_fit_scaling_law]:-}" ] || submit 14_fit_scaling_law afterok 10_train_tokenizer 11_tokenize 12_tokenize
[ -n "${finished[15_lessons]:-}" ] || submit 15_lessons afterok 02_fetch
[ -n "${finished[16_kind_preferences]:-}" ] || submit 16_kind_preferences afterok 02_fetch
[ -n "${finished[17_kind_preferences]:-}" ] || submit 17_kind_preferences afterok 02_fetch
[ -n "${finished[18_asked]:-}" ] || submit 18_asked afterok 02_fetch
[ -n "${finished[19_asked]:-}" ] || submit 19_asked afterok 02_fetch
[ -n "${finished[20_questions]:-}" ] || submit 20_questions afterok 02_fetch 07_split
[ -n "${finished[21_sft]:-}" ] || submit 21_sft afterok 13_pretrain 15_lessons
[ -n "${finished[22_train_reward]:-}" ] || submit 22_train_reward afterok 16_kind_preferences 17_kind_preferences 21_sft
[ -n "${finished[23_dpo]:-}" ] || submit 23_dpo afterok 16_kind_preferences 17_kind_preferences 19_asked 21_sft
[ -n "${finished[24_constitutional_ai]:-}" ] || submit 24_constitutional_ai afterok 15_lessons 18_asked 19_asked 21_sft 22_train_reward 23_dpo
[ -n "${finished[25_evaluate]:-}" ] || submit 25_evaluate afterok 13_pretrain 20_questions
[ -n "${finished[26_evaluate]:-}" ] || submit 26_evaluate afterok 20_questions 21_sft
[ -n "${finished[27_evaluate]:-}" ] || submit 27_evaluate afterok 20_questions 24_constitutional_ai
[ -n "${finished[28_quantize]:-}" ] || submit 28_quantize afterok 15_lessons 20_questions 24_constitutional_ai
[ -n "${finished[29_serve]:-}" ] || submit 29_serve afterok 19_asked 28_quantize
submit gate afterany 01_fetch 02_fetch 03_ingest 04_deduplicate 05_split 06_split 07_split 08_glosses 09_glosses 10_train_tokenizer 11_tokenize 12_tokenize 13_pretrain 14_fit_scaling_law 15_lessons 16_kind_preferences 17_kind_preferences 18_asked 19_asked 20_questions 21_sft 22_train_reward 23_dpo 24_constitutional_ai 25_evaluate 26_evaluate 27_evaluate 28_quantize 29_serve

[ -z "$dry" ] || exit 0
mv -- "$PDSL_JOBS/jobs.tsv.new" "$PDSL_JOBS/jobs.tsv"
scontrol release "${roots[@]}" # none starts before all are there
trap - ERR INT TERM
cat -- "$PDSL_JOBS/jobs.tsv"
