"""Pass: what each model descends from: the model it starts as, its tokenizer, its chat template, whether it was taught to answer.

What a stage is comes from the artifact types that it reads and makes, never from the name of its class. What it promises comes
from attributes, which a stage type of your own may have as fields, class variables or properties; one that is not there says
nothing and is never judged:

    on a stage that makes a Tokenizer     vocabulary (tokens in all), special_tokens, chat_template
    a Dataset                             length (tokens of a row)
    a model                               chat_template, max_length, reference, retokenizes (it decodes and encodes again)
    a QuantizedModel                      runtime (what loads it), calibration
    an EvalSuite                          tasks (the names of its tasks)
    an EvalReport                         tasks (items with `name`, `chat`, `shots`; or names), chat
    a ServerSpec                          runtimes (what it can load), chat, draft, max_model_len, prompt_limit, output_limit
    a Source, or anything without inputs  revision, digest, sha256, movable (another result whenever it runs)
    parts of one corpus                   part, salt, seed, train, validation, test
"""

from typing import Any, TypeVar, cast

from pipeline_dsl.compiler.facts import Descent, Facts
from pipeline_dsl.compiler.graph import AnyStage, Edge, Graph
from pipeline_dsl.lang.architecture import Llama
from pipeline_dsl.lang.artifacts import (
    Adapter,
    CausalModel,
    Chats,
    Corpus,
    Dataset,
    Policy,
    Preferences,
    Prompts,
    QuantizedModel,
    ScalingLaw,
    SftModel,
    Tokenizer,
    Weights,
)

T = TypeVar("T")

SUBJECTS = ("policy", "model", "base", "actor", "student")
"""What an input is called by which a stage takes the model that it works on, where it reads several."""


REFERENCES = frozenset({"reference", "reference_model", "ref_model", "ref"})
"""What an input is called by which preference training takes its reference."""

CARRIERS = (Weights, QuantizedModel, Adapter, Tokenizer, Dataset, Corpus)
"""What a descent is followed along."""

_UNKNOWN = Descent()


def descents(graph: Graph) -> dict[AnyStage, Descent]:
    """The descent of every stage that has one; producers come before consumers."""
    found: dict[AnyStage, Descent] = {}
    for stage in graph.order:
        made = graph.type(stage).produces
        if issubclass(made, Tokenizer):
            found[stage] = Descent(tokenizer=stage)
            continue
        inputs = [edge for edge in graph.inputs.get(stage, ()) if issubclass(made_by(graph, edge), CARRIERS)]
        if issubclass(made, Corpus | Dataset) and any(_spoken(graph, edge, found) for edge in graph.inputs.get(stage, ())):
            found[stage] = Descent(tokenizer=_tokenizer(graph, inputs, _UNKNOWN, found), taught=True)
        elif inputs or issubclass(made, CausalModel):
            found[stage] = _descent(graph, stage, made, inputs, found)
    return found


def made_by(graph: Graph, edge: Edge) -> type:
    """The type of what an edge carries."""
    return graph.type(edge.producer).produces


def _descent(graph: Graph, stage: AnyStage, made: type, inputs: list[Edge], found: dict[AnyStage, Descent]) -> Descent:
    start = subject(graph, stage)
    before = found.get(start, _UNKNOWN) if start else _UNKNOWN
    own = said(stage, "chat_template", str)
    tokenizer = _tokenizer(graph, inputs, before, found)
    taught = _taught(graph, stage, made, inputs, found) if issubclass(made, Weights) else before.taught
    template = own or before.template
    if template is None and taught and tokenizer is not None:
        template = said(tokenizer, "chat_template", str)
    return Descent(start=start, tokenizer=tokenizer, template=template if taught else None, taught=taught)


def subject(graph: Graph, stage: AnyStage) -> AnyStage | None:
    """The model that a stage works on: the only one that it reads, or the one whose input has the usual name for it."""
    models = [edge for edge in graph.inputs.get(stage, ()) if not edge.field.held_out]
    for kind in ((CausalModel, QuantizedModel), (Weights,)):
        given = [edge for edge in models if issubclass(made_by(graph, edge), kind)]
        distinct = {edge.producer for edge in given}
        if len(distinct) == 1:
            return given[0].producer
        for name in SUBJECTS if distinct else ():
            named = {edge.producer for edge in given if edge.field.name == name}
            if len(named) == 1:
                return named.pop()
        if distinct:
            return None
    return None


def _tokenizer(graph: Graph, inputs: list[Edge], before: Descent, found: dict[AnyStage, Descent]) -> AnyStage | None:
    """The tokenizer that is given, or else that of the model it starts from, or else the one that all inputs share."""
    given = {edge.producer for edge in inputs if issubclass(made_by(graph, edge), Tokenizer)}
    if not given and before.tokenizer is not None:
        return before.tokenizer
    if not given:
        given = {found.get(edge.producer, _UNKNOWN).tokenizer for edge in inputs if not issubclass(made_by(graph, edge), Corpus)}
    return given.pop() if len(given) == 1 else None


def _taught(graph: Graph, stage: AnyStage, made: type, inputs: list[Edge], found: dict[AnyStage, Descent]) -> bool | None:
    """Whether a model can answer; None for one that comes from elsewhere."""
    learnt = [edge for edge in graph.inputs.get(stage, ()) if not edge.field.held_out]
    if issubclass(made, SftModel | Policy) or any(_spoken(graph, edge, found) for edge in learnt):
        return True
    models = [found.get(edge.producer, _UNKNOWN).taught for edge in learnt if issubclass(made_by(graph, edge), Weights | QuantizedModel)]
    if models:
        return True if True in models else None if None in models else False
    return False if inputs else None


def _spoken(graph: Graph, edge: Edge, found: dict[AnyStage, Descent]) -> bool:
    """Whether an edge carries conversations, or text and rows that were made of some."""
    made = made_by(graph, edge)
    if issubclass(made, Corpus | Dataset):
        return found.get(edge.producer, _UNKNOWN).taught is True
    return issubclass(made, Chats | Preferences | Prompts)


def said(stage: AnyStage, name: str, kind: type[T]) -> T | None:
    """What a stage says under a name; None if it says nothing, or something of another type."""
    value = answered(stage, name)
    return value if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) else None


def answered(stage: AnyStage, name: str) -> Any:
    """What a stage answers to a name; None if it has no answer, or fails to give it."""
    try:
        return getattr(stage, name, None)
    except Exception:  # a property is the author's code, and may raise whatever code may
        return None


def foreign(facts: Facts, one: AnyStage | None, other: AnyStage | None) -> bool:
    """Whether two tokenizers are known to share no ids: neither is the other, nor made from it."""
    if one is None or other is None:
        return False
    return not any(facts.same(first, second) for first in _grown(facts, one) for second in _grown(facts, other))


def apart(facts: Facts, one: AnyStage, other: AnyStage) -> tuple[int, int] | None:
    """The vocabularies of two models that no padding and no added token explains; None if they are alike, or not known.

    For models of which nobody says by what they are tokenized.
    """
    models = facts.sizes[one].model, facts.sizes[other].model
    if models[0] is None or models[1] is None:
        return None
    rows = models[0].vocabulary, models[1].vocabulary
    return rows if max(rows) > PADDED * min(rows) else None


PADDED = 1.1
"""How much larger a vocabulary may be than that of a model of its own family: filled up, or with tokens added."""


def _grown(facts: Facts, tokenizer: AnyStage) -> list[AnyStage]:
    """A tokenizer and those that it was made from."""
    found = [tokenizer]
    for known in found:  # grows as we go; there are no circles
        found += [edge.producer for edge in facts.graph.inputs.get(known, ()) if issubclass(made_by(facts.graph, edge), Tokenizer)]
    return found


def vocabulary(tokenizer: AnyStage | None) -> int | None:
    """Tokens in all of a tokenizer, where its stage says so."""
    if tokenizer is None:
        return None
    return said(tokenizer, "vocabulary", int) or said(tokenizer, "vocab_size", int)


def shapes(facts: Facts, stage: AnyStage) -> list[tuple[str, Llama]]:
    """The models that a stage declares, each with its field; the values of a stage that starts from a model declare none."""
    found: list[tuple[str, Llama]] = []
    for field in facts.graph.type(stage).composed:
        value = stage.__dict__.get(field.name)
        if isinstance(value, Llama):
            found.append((field.name, value))
        elif isinstance(value, tuple | list):
            found += [(field.name, item) for item in cast("tuple[object, ...]", value) if isinstance(item, Llama)]
    return found


PINS = ("digest", "sha256", "checksum", "revision", "commit", "version", "ref", "branch", "snapshot", "package")
"""Fields that say which version of something is meant."""


def task_name(task: object) -> str | None:
    """What a task is called, whether it is a name or has one."""
    name: Any = task if isinstance(task, str) else getattr(task, "name", None)
    return name if isinstance(name, str) else None


def embedded(facts: Facts, stage: AnyStage) -> list[tuple[str, Llama]]:
    """The models that a stage gives a tokenizer to: what it declares, or what its size says of it."""
    if not issubclass(facts.graph.type(stage).produces, Weights | ScalingLaw):
        return []
    found = shapes(facts, stage)
    model = facts.sizes[stage].model
    if not found and model is not None:
        edges = facts.graph.inputs.get(stage, ())
        found += [(edge.field.name, model) for edge in edges if issubclass(made_by(facts.graph, edge), Tokenizer)]
    return found
