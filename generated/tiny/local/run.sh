#!/usr/bin/env bash
# Runs the stages of one plan on this machine, one after the other; what is done is skipped. Written by `pdsl compile`.
#
# PDSL_PROJECT   the folder that the plan's modules are imported from; without it, the folder that this is called in
# PDSL_STORE     where artifacts are kept; without it, .pdsl in that folder
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "${PDSL_PROJECT:-.}"
plan=$here/plan.json
store=${PDSL_STORE:-.pdsl}

pdsl stage run 01_fetch --plan "$plan" --store "$store" --threads 1
pdsl stage run 02_fetch --plan "$plan" --store "$store" --threads 1
pdsl stage run 03_ingest --plan "$plan" --store "$store" --threads 1
pdsl stage run 04_deduplicate --plan "$plan" --store "$store" --threads 1
pdsl stage run 05_split --plan "$plan" --store "$store" --threads 1
pdsl stage run 06_split --plan "$plan" --store "$store" --threads 1
pdsl stage run 07_split --plan "$plan" --store "$store" --threads 1
pdsl stage run 08_glosses --plan "$plan" --store "$store" --threads 1
pdsl stage run 09_glosses --plan "$plan" --store "$store" --threads 1
pdsl stage run 10_train_tokenizer --plan "$plan" --store "$store" --threads 1
pdsl stage run 11_tokenize --plan "$plan" --store "$store" --threads 1
pdsl stage run 12_tokenize --plan "$plan" --store "$store" --threads 1
pdsl stage run 13_pretrain --plan "$plan" --store "$store" --threads 1
pdsl stage run 14_fit_scaling_law --plan "$plan" --store "$store" --threads 1
pdsl stage run 15_lessons --plan "$plan" --store "$store" --threads 1
pdsl stage run 16_kind_preferences --plan "$plan" --store "$store" --threads 1
pdsl stage run 17_kind_preferences --plan "$plan" --store "$store" --threads 1
pdsl stage run 18_asked --plan "$plan" --store "$store" --threads 1
pdsl stage run 19_asked --plan "$plan" --store "$store" --threads 1
pdsl stage run 20_questions --plan "$plan" --store "$store" --threads 1
pdsl stage run 21_sft --plan "$plan" --store "$store" --threads 1
pdsl stage run 22_train_reward --plan "$plan" --store "$store" --threads 1
pdsl stage run 23_dpo --plan "$plan" --store "$store" --threads 1
pdsl stage run 24_constitutional_ai --plan "$plan" --store "$store" --threads 1
pdsl stage run 25_evaluate --plan "$plan" --store "$store" --threads 1
pdsl stage run 26_evaluate --plan "$plan" --store "$store" --threads 1
pdsl stage run 27_evaluate --plan "$plan" --store "$store" --threads 1
pdsl stage run 28_quantize --plan "$plan" --store "$store" --threads 1
pdsl stage run 29_serve --plan "$plan" --store "$store" --threads 1
pdsl stage run 30_contamination --plan "$plan" --store "$store" --threads 1
manifest=$(pdsl stage manifest --plan "$plan" --store "$store")
echo "$manifest"
pdsl gate "$manifest" --store "$store"
