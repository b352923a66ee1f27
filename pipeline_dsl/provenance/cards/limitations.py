"""What a card must warn of: what follows from the evidence, or from there being none."""

from collections.abc import Iterator, Sequence

from pipeline_dsl.gates.metrics import RUN_METRICS
from pipeline_dsl.plan.plan import leaves
from pipeline_dsl.provenance.cards.facts import Facts, measured_on, nested
from pipeline_dsl.provenance.cards.figures import Figure, is_contamination
from pipeline_dsl.provenance.cards.markdown import code, text
from pipeline_dsl.provenance.cards.sources import Origin


def model_limits(facts: Facts, found: list[Origin], measured: list[Figure]) -> Iterator[str]:
    """What is not known of a model, or speaks against it."""
    own = [figure for figure in measured if figure.subject in facts.forms and figure.suite is not None]
    yield from unresolved(facts)
    if not facts.decision.ships:
        yield "The run is held: this model is not released."
    if not own:
        yield "Its answers were not evaluated: not measured."
    elif not any(figure.subject == facts.model for figure in own):
        yield "It was evaluated before it was quantized; the quantized form itself was compared with that on a sample only."
    for family, what in (("safety", "Safety (harmful and harmless requests)"), ("capability", "Capability on benchmarks")):
        if not any(figure.family == family for figure in own):
            yield f"{what}: not measured."
    if not any(map(is_contamination, measured)):
        yield "Whether the evaluation's documents are in what it learnt from: not measured."
    elif unsearched := not_searched(facts):
        yield f"The evaluation's documents were not looked for in all that it learnt from; not in {_listed(unsearched)}"
    if nested(facts.trees[facts.model].meta, "kl_from_first") is None and not any(
        nested(facts.trees[name].meta, "kl_from_first") for name in facts.learnt if name in facts.trees
    ):
        yield "Divergence from a reference model: not measured."
    yield "Bias between groups of people, and behaviour in languages other than the evaluation's: not measured."
    yield from data_limits(facts, found)


def data_limits(facts: Facts, found: list[Origin]) -> Iterator[str]:
    """What is not known of the data."""
    for origin in found:
        if origin.learnt and origin.licence is None:
            yield f"The licence of {code(origin.stage)} is not recorded."
        if origin.learnt and "unknown" in origin.terms:
            yield f"What the licence {code(origin.licence)} of {code(origin.stage)} allows is not known."
        if origin.learnt and origin.personal:
            yield f"{code(origin.stage)} is declared to hold personal data."
    strange = sorted({stage.type for stage, _, _ in facts.stages() if stage.name in facts.learnt and measured_on(stage) is None})
    if strange:
        yield f"What these only measure on is not known, so all that they read counts as learnt from: {_listed(strange)}"
    if facts.run.manifest.git_commit is None:
        yield "The commit of the code was not recorded."
    unpriced = [name for name, record in facts.records.items() if record.cost_usd is None]
    if unpriced:
        yield f"The price of these is not known: {_listed(unpriced)}"


_TEXTS = frozenset({"corpus", "chats", "preferences", "prompts", "exercises"})


def not_searched(facts: Facts) -> list[str]:
    """The data that was learnt from, and that no report on contamination looked through, nor through what it was made of or into."""
    searched = {name for stage, _, _ in facts.stages("contamination_report") for name in leaves(stage.inputs.get("training"))}
    seen = facts.plan.ancestors(searched) | facts.plan.descendants(searched)
    return [stage.name for stage, _, tree in facts.stages() if stage.name in facts.learnt - seen and tree.kind in _TEXTS]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(map(code, names))}."


def unresolved(facts: Facts) -> Iterator[str]:
    """What the gates leave open."""
    for index, row in enumerate(facts.decision.verdict.rows):
        gate = code(row.gate)
        if index in facts.decision.overridden:
            yield f"{gate} {'failed' if row.result == 'fail' else 'could not be judged'}, and was overridden."
        elif (about := facts.decision.contaminated.get(index)) is not None and about.passes:
            yield f"{gate} passes only without {len(about.exempted)} contaminated items that reviewers exempted."
        elif row.result == "fail":
            yield f"{gate} failed."
        elif row.result == "unknown":
            yield f"{gate} could not be judged: {text(row.reason)}."
        if row.value is not None and row.resolved is False:
            yield f"{gate} is within its noise: the 95% interval holds the threshold, so another sample could have come out otherwise."
        elif row.value is not None and row.resolved is None and row.metric not in RUN_METRICS:
            yield f"{gate} was judged by a value without an interval."
