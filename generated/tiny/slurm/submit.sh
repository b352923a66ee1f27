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
names=(PATH HOME USER LANG PDSL_AUTHOR PDSL_PROJECT PDSL_STORE PDSL_JOBS PDSL_PLAN)
for name in "${!SBATCH_@}" "${!SRUN_@}" "${!PMI@}" "${!SLURM_@}"; do
    [ "$name" = SLURM_CONF ] || unset "$name"
done

declare -A number=() parents=()
roots=()
submitted=()
parents[01_fetch]=''
parents[02_fetch]=''
parents[03_ingest]=01_fetch
parents[04_deduplicate]=03_ingest
parents[05_split]=04_deduplicate
parents[06_split]=04_deduplicate
parents[07_split]=04_deduplicate
parents[08_glosses]=02_fetch
parents[09_glosses]=02_fetch
parents[10_train_tokenizer]='05_split 08_glosses'
parents[11_tokenize]='05_split 08_glosses 10_train_tokenizer'
parents[12_tokenize]='06_split 09_glosses 10_train_tokenizer'
parents[13_pretrain]='10_train_tokenizer 11_tokenize 12_tokenize'
parents[14_fit_scaling_law]='10_train_tokenizer 11_tokenize 12_tokenize'
parents[15_lessons]=02_fetch
parents[16_kind_preferences]=02_fetch
parents[17_kind_preferences]=02_fetch
parents[18_asked]=02_fetch
parents[19_asked]=02_fetch
parents[20_questions]='02_fetch 07_split'
parents[21_sft]='13_pretrain 15_lessons'
parents[22_train_reward]='16_kind_preferences 17_kind_preferences 21_sft'
parents[23_dpo]='16_kind_preferences 17_kind_preferences 19_asked 21_sft'
parents[24_constitutional_ai]='15_lessons 18_asked 19_asked 21_sft 22_train_reward 23_dpo'
parents[25_evaluate]='13_pretrain 20_questions'
parents[26_evaluate]='20_questions 21_sft'
parents[27_evaluate]='20_questions 24_constitutional_ai'
parents[28_quantize]='15_lessons 20_questions 24_constitutional_ai'
parents[29_serve]='19_asked 28_quantize'
parents[30_contamination]='05_split 08_glosses 15_lessons 16_kind_preferences 17_kind_preferences 18_asked 19_asked 20_questions'

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
    words=(sbatch --parsable --comment="pdsl:tiny:$token:$script" --chdir="$PDSL_PROJECT" "$@")
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
one 01_fetch
one 02_fetch
one 03_ingest
one 04_deduplicate
one 05_split
one 06_split
one 07_split
one 08_glosses
one 09_glosses
one 10_train_tokenizer
one 11_tokenize
one 12_tokenize
one 13_pretrain
one 14_fit_scaling_law
one 15_lessons
one 16_kind_preferences
one 17_kind_preferences
one 18_asked
one 19_asked
one 20_questions
one 21_sft
one 22_train_reward
one 23_dpo
one 24_constitutional_ai
one 25_evaluate
one 26_evaluate
one 27_evaluate
one 28_quantize
one 29_serve
one 30_contamination
submit gate afterany 01_fetch 02_fetch 03_ingest 04_deduplicate 05_split 06_split 07_split 08_glosses 09_glosses 10_train_tokenizer 11_tokenize 12_tokenize 13_pretrain 14_fit_scaling_law 15_lessons 16_kind_preferences 17_kind_preferences 18_asked 19_asked 20_questions 21_sft 22_train_reward 23_dpo 24_constitutional_ai 25_evaluate 26_evaluate 27_evaluate 28_quantize 29_serve 30_contamination

[ -z "$dry" ] || exit 0
mv -- "$PDSL_JOBS/jobs.tsv.new" "$PDSL_JOBS/jobs.tsv"
scontrol release "${roots[@]}" # none starts before all are there
trap - EXIT INT TERM HUP
rm -f -- "$open"
cat -- "$PDSL_JOBS/jobs.tsv"
