"""The metrics that gates may name, beside those that a pipeline's own stages declare."""

from pipeline_dsl.lang.gate import Better, Family, Metric, Unit


def _table(unit: Unit, better: Better, family: Family, names: str) -> dict[str, Metric]:
    return {name: Metric(name=name, unit=unit, better=better, family=family) for name in names.split()}


METRICS: dict[str, Metric] = {
    # Benchmarks, percent of the questions answered right. Hendrycks et al. (2021), Chen et al. (2021), Lin et al. (2022), ...
    **_table("percent", "higher", "capability", "mmlu mmlu_pro humaneval humaneval_plus truthfulqa gsm8k math hellaswag arc_challenge"),
    **_table("percent", "higher", "capability", "winogrande gpqa bbh ifeval mbpp piqa boolq swe_bench_verified livebench"),
    **_table("percent", "higher", "quality", "reward_accuracy preference_accuracy"),
    # Refusals of harmless requests; harmful requests that were answered.
    **_table("fraction", "lower", "safety", "safety_refusal_rate safety_violation_rate toxicity_rate"),
    # Items of evaluation data that training data holds: all, whole, in part, and the same of the worst set.
    **_table("percent", "lower", "contamination", "contamination contamination_exact contamination_ngram contamination_worst"),
    **_table("nats", "lower", "divergence", "kl_from_reference"),
    **_table("nats", "lower", "quality", "kl_from_stage_reference"),
    **_table("nats/token", "lower", "quality", "validation_loss quantization_kl"),
    **_table("percent", "higher", "quality", "quantization_accuracy_delta"),
    **_table("usd", "lower", "cost", "cost_total_usd"),
    **_table("seconds", "lower", "service", "server_latency_p95_seconds wall_clock_total_seconds"),
    **_table("tokens/second", "higher", "service", "server_tokens_per_second"),
}

RUN_METRICS = frozenset({"cost_total_usd", "wall_clock_total_seconds"})
"""What the run as a whole measures, from its stages' records."""
