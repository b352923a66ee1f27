"""What people call the parts of a short manifest, in the words of a manifest."""

import re
from collections.abc import Container

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.review.findings import FieldUnknown
from pipeline_dsl.compiler.review.report import meant
from pipeline_dsl.compiler.review.short.amounts import amount
from pipeline_dsl.compiler.review.short.asked import asked, gathered, metric_name, snake
from pipeline_dsl.compiler.review.short.kinds import known, unnumbered
from pipeline_dsl.compiler.review.short.paths import by_path
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.gates.metrics import METRICS


def _names(**called: str) -> dict[str, str]:
    return {name: key for key, names in called.items() for name in names.split()}


_TOP = _names(
    pipeline="name pipeline_name run_name",
    pipeline_version="version",
    git_commit="commit git_sha code_version",
    gates="eval_gates eval_gate ship_gates quality_gates thresholds gate release_gates",
    rollback="rollback_plan rollbacks rollback_policy",
    kl_budget="kl_budget_nats max_kl kl_limit kl_cap",
    budget="budget_usd max_cost_usd cost_budget_usd cost_budget cost_limit_usd",
    cost_total_usd="cost_estimate_usd estimated_cost_usd total_cost_usd cost_usd cost_estimate estimated_cost total_cost",
    overrides="override exceptions waivers",
    train_data="training_data train_datasets training_datasets",
    eval_data="evaluation_data eval_datasets eval_sets eval_set test_data",
    licence="license",
    data="datasets",
)
_STAGE = _names(
    artifact="artifact_type output_type produces output outputs makes",
    recipe="uses cmd command script run template image component entrypoint",
    depends_on="deps dependencies requires upstream parents parent consumes input depends dependent_tasks run_after prerequisites",
    gates="thresholds gate quality_gates eval_gates",
    pii="contains_pii has_pii contains_personal_data personal_data",
    cost_usd="cost estimated_cost_usd cost_estimate_usd cost_estimate estimated_cost",
    wall_clock_sec="wall_clock wall_clock_seconds duration_sec",
    kl_budget="kl kl_limit kl_cap max_kl kl_max target_kl kl_budget_nats",
    kl_budget_consumed="kl_consumed kl_from_reference kl_used",
    params="parameters model_params num_params n_params model_size",
    tokens="num_tokens n_tokens train_tokens token_count training_tokens",
    rollback="rollback_plan on_failure if_fails",
    data="dataset training_data train_datasets sources data_sources source_data corpus train_dataset",
    data_mix="mix mixture data_mixture blend",
    datasets="synthetic_data synthetic seed_data generated_from preference_data preferences prompts instructions",
    calibration_data="calibration_set calibration_dataset",
    eval_data="eval_set eval_sets eval_dataset eval_datasets evaluation_data test_set test_data tasks",
    licence="license",
    input_hash="input_digest inputs_hash input_sha256",
    output_hash="output_digest digest artifact_hash output_sha256 hash",
    metrics="results scores",
)
_BUDGET = _names(usd="cost_usd cost dollars max_usd total_usd cost_total_usd", kl="kl_nats kl_from_reference max_kl kl_budget")
_NOTED = frozenset(
    (
        *("owner", "owners", "team", "description", "summary", "created", "created_at", "date", "deadline", "updated", "notes"),
        *("note", "tags", "labels", "contact", "schema", "model", "model_name", "environment", "tracking", "tracker"),
        *("artifact_store", "store", "git_branch", "git_repo", "repository", "reviewers", "approvers", "approver", "ticket"),
        *("hardware", "framework", "title", "purpose", "goal", "currency", "gpu_price_usd_per_hour", "region"),
        *("api_version", "kind", "metadata", "pipeline_info", "experiment", "experiment_name", "entry_points"),
    )
)
"""What tells people something and no rule: who, when, where."""
_SETTINGS = frozenset(
    (
        *("epochs", "learning_rate", "lr", "batch_size", "global_batch_size", "micro_batch_size", "optimizer", "scheduler"),
        *("warmup", "warmup_steps", "warmup_ratio", "weight_decay", "context_length", "sequence_length", "seq_len", "max_length"),
        *("precision", "dtype", "parallelism", "fsdp", "zero_stage", "framework", "engine", "runtime", "backend", "model"),
        *("base_model", "vocab_size", "vocabulary", "layers", "hidden", "heads", "architecture", "method", "algorithm", "loss"),
        *("lora_rank", "rank", "alpha", "lora", "peft", "adapter", "bits", "group_size", "scheme", "format", "endpoint", "port"),
        *("replicas", "autoscaling", "observability", "tracing", "num_examples", "examples", "rows", "pairs", "num_pairs"),
        *("languages", "dedup", "decontamination", "decontaminate", "filters", "quality_filter", "checkpoint_every", "save_every"),
        *("mfu", "gpu_hours", "gpus", "num_gpus", "nodes", "gpu", "devices", "max_steps", "temperature", "clip", "group", "judge"),
        *("teacher", "principles", "owner", "version", "uri", "path", "artifact_uri", "storage", "outputs_to", "timeout"),
        *("retries", "parallel_with", "reference", "reference_model", "ref_model", "few_shot", "shots", "harness", "active_params"),
        *("gpu_type", "max_batch_size", "max_model_len", "speculative_decoding", "optimizer_state", "sharding"),
        *("gradient_checkpointing", "dpo_beta", "generator", "model_parallel", "tensor_parallel"),
        *(
            "uses",
            "cmd",
            "command",
            "script",
            "run",
            "template",
            "image",
            "component",
            "entrypoint",
            "args",
            "arguments",
            "env",
            "resources",
        ),
        *("wdir", "desc", "frozen", "always_changed", "plots", "cache", "with", "pii_removed", "pii_filter", "redact"),
    )
)
"""Settings of a stage that its recipe covers: no rule judges them."""
_WAIVES = re.compile(
    r"(^|_)(skip|skipped|disabled?|bypass|force|ignore|waive|unsafe|no_gates?|no_eval|allow_fail\w*|auto_approve|approved?)(_|$)"
).search
_AMOUNTS = ("cost_usd", "wall_clock_sec", "kl_budget")


def worded(tree: Tree, stage_keys: frozenset[str], top_keys: frozenset[str], found: list[Diagnostic]) -> Tree:
    """A short manifest with the names that the rules know; a name that nobody reads is told."""
    top = _renamed(_spelled(tree, top_keys | _NOTED | set(_TOP)), _TOP)
    top = {key: item for key, item in top.items() if _read("the manifest", key, item, top_keys, _NOTED, found)}
    stages = tree.items["stages"]
    read = {name: _stage(name, stage, stage_keys, found) for name, stage in by_path(stages.items).items()}
    if any("gates" in stage.items for stage in read.values()):
        top["gates"] = _gathered(top.get("gates"), read, found)
    elif "gates" in top:
        top["gates"] = asked(top["gates"])
    if (budget := top.get("budget")) is not None:
        top["budget"] = _budget(budget)
    top |= {key: _number(top[key]) for key in ("cost_total_usd", "kl_budget") if key in top}
    if (
        (baseline := top.get("baseline")) is not None
        and isinstance(baseline.value, dict)
        and not {"manifest", "stage"} & set(baseline.items)
    ):
        top["baseline"] = attrs.evolve(baseline, value="the last release", text="the last release")
    return attrs.evolve(tree, value={**top, "stages": attrs.evolve(stages, value=read)})


def _gathered(whole: Tree | None, stages: dict[str, Tree], found: list[Diagnostic]) -> Tree:
    """All gates as one list: those of the manifest, and those that stand at the stages which measure them."""
    gates = gathered([whole]) if whole is not None else []
    for name, stage in stages.items():
        for gate in gathered([stage.items["gates"]]) if "gates" in stage.items else ():
            metric = (gate.text or "").partition(" ")[0]
            if metric in METRICS or known(unnumbered(name)) == "evaluate":
                gates.append(gate)
            else:
                text = f"no rule reads what `{name:.80}` asks of {metric or 'its result'!r:.60}"
                finding = FieldUnknown.finding(text, gate.key, help="gate a metric that an evaluation measures")
                found.append(attrs.evolve(finding, severity=Severity.WARNING))
    anchor = whole or next(stage.items["gates"] for stage in stages.values() if "gates" in stage.items)
    return attrs.evolve(anchor, value=gates, text=None)


def _stage(name: str, stage: Tree, keys: frozenset[str], found: list[Diagnostic]) -> Tree:
    given = _renamed(_spelled(stage, keys | _SETTINGS | _NOTED | set(_STAGE)), _STAGE)
    if (recipe := given.get("recipe")) is not None and recipe.members and all(item.text for item in recipe.members):
        said = " ".join(item.text or "" for item in recipe.members)
        given["recipe"] = attrs.evolve(recipe, value=said, text=said)
    given = {key: item for key, item in given.items() if _read(f"stage `{name:.80}`", key, item, keys, _SETTINGS | _NOTED, found)}
    for key in _AMOUNTS:
        if key in given:
            given[key] = _number(given[key])
    if (metrics := given.get("metrics")) is not None and metrics.items:
        given["metrics"] = attrs.evolve(metrics, value={metric_name(key): item for key, item in metrics.items.items()})
    elif metrics is not None and metrics.value is not None:
        found.append(
            FieldUnknown.finding(f"`metrics` of `{name:.80}` is a mapping from names to numbers", metrics.span, help="`{mmlu: 64.2}`")
        )
        del given["metrics"]
    return attrs.evolve(stage, value=given) if isinstance(stage.value, dict) else stage


def _spelled(tree: Tree, known: Container[str]) -> Tree:
    """A mapping with `costUsd` and `cost-usd` as `cost_usd`, where that is a name that is known."""
    spelled = {name: snake(name) for name in tree.items}
    if not isinstance(tree.value, dict) or len(set(spelled.values())) < len(spelled):
        return tree
    return attrs.evolve(tree, value={spelled[name] if spelled[name] in known else name: item for name, item in tree.items.items()})


def _renamed(tree: Tree, names: dict[str, str]) -> dict[str, Tree]:
    """The members of a mapping under the names that the rules know, where nothing stands under those yet."""
    found = dict(tree.items)
    for key in tree.items:
        known = names.get(key)
        if known is not None and known not in found:
            found = {known if name == key else name: item for name, item in found.items()}
    return found


def _read(what: str, key: str, item: Tree, keys: frozenset[str], noted: frozenset[str], found: list[Diagnostic]) -> bool:
    """Whether a rule reads what stands under a name; tells what nobody reads, as an error where it may have been meant to count."""
    if key in keys:
        return True
    if _WAIVES(key.lower()) and not key.lower().endswith("_by") and item.value not in (False, None):
        text = f"{what} says {key!r:.60}: no manifest waives what is asked of it"
        found.append(FieldUnknown.finding(text, item.key, help="remove it; a reviewer excepts a gate by `pdsl override`"))
    elif key == "enabled" and item.value is False:
        found.append(FieldUnknown.finding(f"{what} is switched off", item.key, help="run it, or leave it out of the manifest"))
    elif key not in noted and key != "enabled":
        near = meant(key, keys)
        finding = FieldUnknown.finding(
            f"{what} has no {key!r:.80}", item.key, help=near or "no rule reads it: settings belong into `config`"
        )
        found.append(finding if near else attrs.evolve(finding, severity=Severity.WARNING))
    return False


def _budget(said: Tree) -> Tree:
    if isinstance(said.value, dict):
        spelled = _spelled(said, {"usd", "kl", *_BUDGET})
        return attrs.evolve(said, value={key: _number(item) for key, item in _renamed(spelled, _BUDGET).items()})
    return attrs.evolve(said, value={"usd": _number(said)}) if said.value is not None else said


def _number(said: Tree) -> Tree:
    """An amount as a number; what is none stays."""
    level = amount(said.value) if isinstance(said.value, str) else None
    return said if level is None else attrs.evolve(said, value=level)
