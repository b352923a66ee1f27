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
# PDSL_AUTHOR    who runs this, as its records will say; without it, what git or the system calls the user on each node
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
names=(PATH HOME USER LANG PDSL_AUTHOR PDSL_PROJECT PDSL_STORE PDSL_JOBS PDSL_PLAN HF_TOKEN)
for name in "${!SBATCH_@}" "${!SRUN_@}" "${!PMI@}" "${!SLURM_@}"; do
    [ "$name" = SLURM_CONF ] || unset "$name"
done
: "${HF_TOKEN?is not set, and the jobs need it}"

declare -A number=() parents=()
roots=()
submitted=()
parents[01_local_files]=''
parents[02_ingest]=01_local_files
parents[03_deduplicate]=02_ingest
parents[04_split]=03_deduplicate
parents[05_split]=03_deduplicate
parents[06_train_tokenizer]=04_split
parents[07_tokenize]='04_split 06_train_tokenizer'
parents[08_tokenize]='05_split 06_train_tokenizer'
parents[09_pretrain]='06_train_tokenizer 07_tokenize 08_tokenize'
parents[10_local_files]=''
parents[11_chat_files]=10_local_files
parents[12_local_files]=''
parents[13_preference_files]=12_local_files
parents[14_local_files]=''
parents[15_preference_files]=14_local_files
parents[16_local_files]=''
parents[17_prompt_files]=16_local_files
parents[18_local_files]=''
parents[19_prompt_files]=18_local_files
parents[20_local_files]=''
parents[21_suite_files]=20_local_files
parents[22_sft]='09_pretrain 11_chat_files'
parents[23_train_reward]='13_preference_files 15_preference_files 22_sft'
parents[24_dpo]='13_preference_files 15_preference_files 19_prompt_files 22_sft'
parents[25_constitutional_ai]='11_chat_files 17_prompt_files 19_prompt_files 22_sft 23_train_reward 24_dpo'
parents[26_evaluate]='21_suite_files 25_constitutional_ai'
parents[27_quantize]='11_chat_files 21_suite_files 25_constitutional_ai'
parents[28_contamination]='04_split 11_chat_files 13_preference_files 15_preference_files 17_prompt_files 19_prompt_files 21_suite_files'

# Each submission has a name that its jobs carry in their comments, so that none is lost whose number nobody heard.
token=$$-$(date +%s)
open=$PDSL_JOBS/submitting

# drop TOKEN: cancels the jobs of a submission.
drop() {
    local doomed
    mapfile -t doomed < <(squeue --noheader --user="$(id -un)" --format='%F %k' | sed -n "s/^\([0-9]*\) pdsl:[^:]*:$1:.*/\1/p" | sort -u)
    [ -z "${doomed[*]:-}" ] || scancel "${doomed[@]}"
}

# Whatever goes wrong, nothing is left behind.
undo() {
    local code=$?
    trap '' INT TERM HUP
    trap - EXIT
    [ -z "${submitted[*]:-}" ] || scancel "${submitted[@]}" || true
    drop "$token"
    rm -f -- "$PDSL_JOBS/jobs.tsv" "$PDSL_JOBS/jobs.tsv.new" "$open"
    exit "$code"
}

# after KIND STAGE...: sets `wait` to what sbatch is told to wait for. Stages that are done count for nothing.
after() {
    local kind=$1 stage
    shift
    wait=
    for stage in "$@"; do
        [ -z "${number[$stage]:-}" ] || wait+=:${number[$stage]}
    done
    [ -z "$wait" ] || wait=$kind$wait
}

# request SCRIPT OPTION...: one job, or one array; sets `new` to its number.
request() {
    local script=$1 words
    shift
    words=(sbatch --parsable --comment="pdsl:llama_7b:$token:$script" --chdir="$PDSL_PROJECT" "$@")
    if [ -n "$wait" ]; then words+=(--dependency="$wait"); else words+=(--hold); fi
    if [ -n "$dry" ]; then
        printf '%q ' "${words[@]}" "$here/$script.sh"
        echo
        new="<$script>"
        return
    fi
    # sbatch is let finish when Ctrl-C is pressed: then its job is known, and can be cancelled.
    if ! new=$(trap '' INT TERM HUP && "${words[@]}" --export-file=<(for name in "${names[@]}"; do [ -z "${!name+x}" ] || printf '%s=%s\0' "$name" "${!name}"; done) "$here/$script.sh"); then
        echo "submit.sh: $script was refused, and what was submitted before it is cancelled" >&2
        exit 1
    fi
    new=${new%%;*}
    submitted+=("$new")
    [ -n "$wait" ] || roots+=("$new")
}

# note STAGE NUMBER SCRIPT: what became of a stage.
note() {
    number[$1]=$2
    [ -n "$dry" ] || printf '%s\t%s\t%(%s)T\t%s\n' "$1" "$2" -1 "$token:$3" >> "$PDSL_JOBS/jobs.tsv.new"
}

# submit STAGE KIND PARENT...: one job, after its parents' by KIND.
submit() {
    local stage=$1
    shift
    [ -z "${finished[$stage]:-}" ] || return 0
    after "$@"
    request "$stage" --output="$logs/$stage-%j.log"
    note "$stage" "$new" "$stage"
}

# one STAGE: its job, after its parents'.
one() {
    local needed
    read -ra needed <<< "${parents[$1]}"
    submit "$1" afterok ${needed[@]+"${needed[@]}"}
}

case $PDSL_PROJECT$PDSL_JOBS in
    *[\\]* | *$'\n'*)
        echo "submit.sh: Slurm cannot take a path with a backslash or a line's end: $PDSL_PROJECT, $PDSL_JOBS" >&2
        exit 2
        ;;
esac
logs=${PDSL_JOBS//%/%%}/logs # Slurm reads % in the name of a log
if [ -z "$dry" ]; then
    mkdir -p -- "$PDSL_JOBS/logs"
    exec 9>> "$open"
    flock --nonblock 9 || {
        echo "submit.sh: another one submits this plan at this moment" >&2
        exit 1
    }
    [ ! -s "$open" ] || drop "$(cat -- "$open")" # one that was killed left its jobs behind
    echo "$token" > "$open"
    [ "$here/plan.json" = "$PDSL_PLAN" ] || cp -- "$here/plan.json" "$PDSL_PLAN"
    : > "$PDSL_JOBS/jobs.tsv.new"
    trap undo EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
fi
one 01_local_files
one 02_ingest
one 03_deduplicate
one 04_split
one 05_split
one 06_train_tokenizer
one 07_tokenize
one 08_tokenize
one 09_pretrain
one 10_local_files
one 11_chat_files
one 12_local_files
one 13_preference_files
one 14_local_files
one 15_preference_files
one 16_local_files
one 17_prompt_files
one 18_local_files
one 19_prompt_files
one 20_local_files
one 21_suite_files
one 22_sft
one 23_train_reward
one 24_dpo
one 25_constitutional_ai
one 26_evaluate
one 27_quantize
one 28_contamination
submit gate afterany 01_local_files 02_ingest 03_deduplicate 04_split 05_split 06_train_tokenizer 07_tokenize 08_tokenize 09_pretrain 10_local_files 11_chat_files 12_local_files 13_preference_files 14_local_files 15_preference_files 16_local_files 17_prompt_files 18_local_files 19_prompt_files 20_local_files 21_suite_files 22_sft 23_train_reward 24_dpo 25_constitutional_ai 26_evaluate 27_quantize 28_contamination

[ -z "$dry" ] || exit 0
mv -- "$PDSL_JOBS/jobs.tsv.new" "$PDSL_JOBS/jobs.tsv"
scontrol release "${roots[@]}" # none starts before all are there
trap - EXIT INT TERM HUP
rm -f -- "$open"
cat -- "$PDSL_JOBS/jobs.tsv"
