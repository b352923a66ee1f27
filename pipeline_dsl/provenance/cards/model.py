"""The model card: what a model is, what it learnt from, how it was made, how good it is, and what nobody knows about it.

Source: Mitchell et al. (2019), "Model Cards for Model Reporting"; the Hugging Face Hub's model card metadata.
"""

from typing import Any

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.base.units import dollars, duration, scaled
from pipeline_dsl.lang.artifacts import STAGE_KL
from pipeline_dsl.provenance.cards import sections
from pipeline_dsl.provenance.cards.facts import Facts, nested
from pipeline_dsl.provenance.cards.figures import Figure, figures
from pipeline_dsl.provenance.cards.limitations import model_limits
from pipeline_dsl.provenance.cards.markdown import bullets, code, front_matter, number, section, spread, table, text
from pipeline_dsl.provenance.cards.sources import NOT_RECORDED, Origin, hub_licence, licences, origins

CARD = "README.md"
"""What a model card is called in the model's folder."""

_CAUSAL = frozenset({"checkpoint", "sft_model", "policy", "quantized_model", "sft_adapter", "policy_adapter"})


def model_card(facts: Facts) -> str:
    """The card of the model that a run made, in Markdown, the same bytes for the same run.

    Raises: Usage if it made none.
    """
    if not facts.has_model:
        raise Usage(f"{facts.plan.pipeline} made no model", help="write a card of its data: --kind data")
    found = origins(facts)
    measured = list(figures(facts))
    lines = [
        *front_matter(_metadata(facts, found, measured)),
        f"# {text(facts.plan.pipeline)} {text(facts.plan.pipeline_version)}",
        "",
        "Written by pdsl from the run's manifest, plan and store: no word of it was typed for this model.",
        "",
        *sections.decided(facts),
        *_what(facts),
        *_learnt(facts, found),
        *_made(facts),
        *_evaluation(facts, measured),
        *_divergence(facts),
        *sections.contaminated(facts, measured),
        *sections.took(facts),
        *section("Limitations", bullets(model_limits(facts, found, measured))),
        *sections.again(facts),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _metadata(facts: Facts, found: list[Origin], measured: list[Figure]) -> dict[str, Any]:
    tree = facts.trees[facts.model]
    learnt = [origin for origin in found if origin.learnt]
    data = [origin for origin in learnt if facts.trees[origin.stage].kind not in _CAUSAL]
    bases = [origin.origin for origin in learnt if facts.trees[origin.stage].kind in _CAUSAL]
    own = [figure for figure in measured if figure.subject in facts.forms and figure.suite is not None]
    return {
        **hub_licence(licences(learnt)),
        "library_name": _loader(facts),
        "pipeline_tag": "text-generation" if tree.kind in _CAUSAL else None,
        "base_model": bases,
        "datasets": [origin.origin for origin in data],
        "metrics": list(dict.fromkeys(figure.metric for figure in own)),
        "tags": ["pdsl", *([f"{tree.meta['bits']}-bit", str(tree.meta["method"])] if tree.kind == "quantized_model" else [])],
        "model-index": [{"name": facts.plan.pipeline, "results": [_result(facts, figure) for figure in own]}] if own else None,
    }


def _result(facts: Facts, figure: Figure) -> dict[str, Any]:
    around = figure.interval
    args = {"unit": figure.unit, "samples": figure.score.samples, "interval_95": None if around is None else list(around)}
    suite = facts.made(figure.suite) or "suite"
    return {
        "task": {"type": "text-generation"},
        "dataset": {"name": f"{suite} of {facts.plan.pipeline}", "type": suite, "revision": figure.suite},
        "metrics": [
            {
                "type": figure.metric,
                "value": figure.score.value,
                "name": f"{figure.metric}, measured on {figure.subject}",
                "args": {**args, "evidence": figure.evidence},
            }
        ],
    }


def _loader(facts: Facts) -> str | None:
    tree = facts.trees[facts.model]
    paths = {entry.path for entry in tree.files}
    if tree.meta.get("runtime") == "tensorrt-llm":
        return "tensorrt-llm"
    if "adapter_config.json" in paths:
        return "peft"
    return "transformers" if "config.json" in paths else None


def _what(facts: Facts) -> list[str]:
    tree, record = facts.trees[facts.model], facts.records[facts.model]
    meta = tree.meta
    source = facts.made(meta.get("source"))
    parameters = meta.get("parameters") or (facts.trees[source].meta.get("parameters") if source else None)
    rows = [
        ("kind", code(tree.kind)),
        ("stage", code(facts.model)),
        ("digest", code(record.output)),
        ("parameters", f"{parameters:,}" if isinstance(parameters, int) else NOT_RECORDED),
        ("size", f"{scaled(tree.size, 'B')} in {len(tree.files)} files"),
    ]
    if tree.kind == "quantized_model":
        rows.append(("quantized", f"{meta['bits']} bits by {code(meta['method'])}, groups of {meta['group']}, for {code(meta['runtime'])}"))
        rows.append(("quantized from", f"{code(source or 'elsewhere')}, {code(meta['source'])}"))
    base = meta.get("base")
    if isinstance(base, str):
        rows.append(("adapter of", f"{code(facts.made(base) or 'elsewhere')}, {code(base)}, rank {meta.get('rank')}"))
    return section("The model", table(("what", "is"), rows))


def _learnt(facts: Facts, found: list[Origin]) -> list[str]:
    learnt = [origin for origin in found if origin.learnt]
    all_licences = licences(learnt)
    said = f"Licences of what it learnt from: {', '.join(map(code, all_licences))}." if all_licences else "No licence is recorded."
    terms = sorted({term for origin in learnt for term in origin.terms})
    more = (
        f"By their identifiers they forbid: {', '.join(terms)}." if terms else "By their identifiers they forbid nothing that pdsl follows."
    )
    return section("What it learnt from", [said, more, ""], sections.origin_rows(learnt))


def _made(facts: Facts) -> list[str]:
    rows: list[tuple[str, ...]] = []
    recipes: list[str] = []
    for stage, record, _ in facts.stages():
        if stage.name not in facts.learnt:
            continue
        inputs = ", ".join(code(name) for name in dict.fromkeys(stage.parents)) or "nothing"
        hardware = f"{record.devices} x {code(record.device)}"
        rows.append(
            (
                code(stage.name),
                code(f"{record.type} {record.version}"),
                inputs,
                hardware,
                duration(record.wall_clock_sec),
                dollars(record.cost_usd),
                sections.shortened(record.output),
            )
        )
        fields = "; ".join(f"{code(name)}: {code(value)}" for name, value in record.fields.items())
        recipes.append(f"{code(stage.name)}: {fields or 'no fields'}")
    header = ("stage", "type and version", "made of", "on", "time", "cost", "artifact")
    return section("How it was made", table(header, rows), ["Recipes:", ""], bullets(recipes))


def _evaluation(facts: Facts, measured: list[Figure]) -> list[str]:
    def about(figure: Figure) -> str:
        if figure.subject is None:
            return "not recorded"
        return code(figure.subject) + (
            ", this model" if figure.subject == facts.model else ", from which it was quantized" if figure.subject in facts.forms else ""
        )

    rows = (
        (
            code(figure.metric),
            about(figure),
            f"{number(figure.score.value)} {figure.unit}".strip(),
            spread(figure.interval),
            str(figure.score.samples),
            code(figure.stage),
        )
        for figure in measured
        if figure.metric != STAGE_KL
    )
    shown = table(("metric", "measured on", "value", "95% interval", "samples", "by"), rows)
    return section("Evaluation", shown or ["Not measured.", ""])


def _divergence(facts: Facts) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for stage, _, tree in facts.stages():
        kl = nested(tree.meta, "kl", "per_sequence")
        first = nested(tree.meta, "kl_from_first", "per_sequence")
        if stage.name not in facts.learnt or not isinstance(first, dict):
            continue
        rows.append(
            (
                code(stage.name),
                sections.with_interval(kl),
                sections.with_interval(first),
                number(nested(tree.meta, "kl_from_first", "per_token")),
                number(stage.kl_budget) if stage.kl_budget else "none",
            )
        )
    header = ("stage", "nats an answer from its own reference", "from the first reference", "nats a token", "KL budget")
    none = ["Not measured: no stage of this model was held to a reference.", ""]
    return section("Divergence from the reference", table(header, rows) or none)
