"""The short spelling of a manifest: stages as a list of recipes by name, each with one hash in and one out, and gates by metric.

    pipeline_version: 1.2.3
    seed: 42
    git_commit: a1b2c3d4
    stages:
      01_tokenizer: {recipe: bpe_32k, input_hash: sha256:..., output_hash: sha256:..., wall_clock_sec: 3600, cost_usd: 12}
    gates:
      mmlu: >= baseline + 0.5

What it leaves out is what its stages are usually taken for: the kind of a stage is read from its name, its inputs from its hash, or
else from the order. It is spelled out here as a whole manifest, of stages that are told, and then judged as any other.
"""

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.checks.evaluation_leak import EvaluationLeak
from pipeline_dsl.compiler.review.findings import ChainBroken, DigestMalformed, FieldUnknown, SameBytes, StageAbsent, TypeUnknown
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.gates.metrics import METRICS, RUN_METRICS
from pipeline_dsl.plan.plan import leaves

MODULE = "short"
"""How the types of these stages are said to be called."""


@attrs.frozen
class Kind:
    """What stages of a kind make and read; `words` are the parts of a name by which one is known."""

    produces: str
    reads: tuple[str, ...]
    words: tuple[str, ...]


KINDS = {
    "tokenizer": Kind("Tokenizer", ("Source", "Corpus", "Dataset", "Tokenizer"), ("tokenizer", "tokeniser", "vocab", "vocabulary", "bpe")),
    "quantize": Kind(
        "QuantizedModel",
        ("CausalModel", "EvalReport"),
        ("quantize", "quantized", "quantization", "quantisation", "quant", "awq", "gptq", "fp8", "int8", "int4"),
    ),
    "evaluate": Kind(
        "EvalReport",
        ("CausalModel", "QuantizedModel", "RewardModel", "EvalSuite", "EvalReport"),
        ("eval", "evals", "evaluate", "evaluation", "benchmark", "benchmarks"),
    ),
    "serve": Kind(
        "ServerSpec", ("QuantizedModel", "CausalModel", "EvalReport"), ("serve", "server", "serving", "inference", "deploy", "deployment")
    ),
    "reward": Kind("RewardModel", ("SftModel", "Checkpoint", "Dataset", "Preferences", "Chats"), ("reward", "rm", "reward_model")),
    "align": Kind(
        "Policy",
        ("SftModel", "Policy", "RewardModel", "Dataset", "Preferences", "Prompts", "Chats"),
        (
            *("dpo", "ppo", "rlhf", "rlaif", "grpo", "kto", "ipo", "orpo", "simpo", "cai", "constitutional", "align", "alignment"),
            *("policy", "preference", "preferences", "rl"),
        ),
    ),
    "sft": Kind(
        "SftModel", ("Checkpoint", "Dataset", "Chats", "Tokenizer"), ("sft", "instruct", "instruction", "finetune", "finetuning", "tune")
    ),
    "pretrain": Kind(
        "Checkpoint",
        ("Dataset", "Tokenizer", "Checkpoint", "Corpus", "ScalingLaw"),
        (
            "pretrain",
            "pretraining",
            "pre",
            "base",
            "scaling",
            "scale",
            "midtrain",
            "midtraining",
            "annealing",
            "training",
            "train",
            "checkpoint",
        ),
    ),
    "data": Kind(
        "Dataset",
        ("Source", "Corpus", "Dataset", "Tokenizer"),
        (
            "data",
            "dataset",
            "corpus",
            "corpora",
            "tokenize",
            "tokenized",
            "ingest",
            "shards",
            "dedup",
            "deduplicate",
            "clean",
            "cleaning",
            "mix",
            "packing",
        ),
    ),
}
"""The kinds, in the order in which a name is tried: `reward_data` is no data stage's usual name, `eval_data` is no evaluation's."""

ALLOWED = (
    *("recipe", "type", "kind", "artifact", "inputs", "depends_on", "needs", "after", "input_hash", "output_hash", "wall_clock_sec"),
    *("cost_usd", "kl_budget", "kl_budget_consumed", "beta", "params", "tokens", "steps", "metrics", "rollback", "hardware", "on", "seed"),
    *("status", "data", "datasets", "train_data", "data_mix", "data_hash", "preference_data_hash", "reference_hash", "eval_data", "suite"),
    *("eval_data_hash", "benchmarks", "calibration", "calibration_data", "config", "notes", "description", "split", "name", "estimate"),
)

_UNQUOTED = re.compile(r"^(?P<head>\s*(?:- )?[\w./\"'-]+:[ \t]+)(?P<value>>=[^#\n'\"]*?)(?P<tail>[ \t]*(?:#.*)?)$", re.MULTILINE)
_HEX = re.compile(r"sha256:[0-9a-fA-F]{6,64}").fullmatch
_OPEN = re.compile(r"(?:sha256:)?(?:\.\.\.|…|<.*>|TBD|tbd|todo|TODO|pending|unknown)?").fullmatch
_NUMBERED = re.compile(r"^(?:stage[_-]?)?\d+[a-z]?[_-]").sub


def repaired(text: str) -> str:
    """A text with `metric: >= 5` in quotes, which people write and YAML takes for the head of a folded text."""
    return _UNQUOTED.sub(lambda found: f'{found["head"]}"{found["value"].rstrip()}"{found["tail"]}', text)


def is_short(tree: Tree) -> bool:
    """Whether a manifest is in the short spelling: no stage has a recipe that names a type."""
    stages = tree.items["stages"].items if "stages" in tree.items else {}
    recipes = [stage.items.get("recipe") for stage in stages.values() if isinstance(stage.value, dict)]
    return bool(stages) and len(recipes) == len(stages) and all(recipe is None or not isinstance(recipe.value, dict) for recipe in recipes)


def expanded(tree: Tree, found: list[Diagnostic]) -> Tree:
    """A manifest in the short spelling as a whole one; every value keeps the place where it, or what it follows from, stands."""
    return _Expansion(tree, found).whole()


def by_name(tree: Tree) -> Tree:
    """A manifest whose stages are a list, each with its `name`, as one whose stages are a mapping."""
    stages = tree.items.get("stages")
    if stages is None or not stages.members or any("name" not in stage.items for stage in stages.members):
        return tree
    named: dict[str, Tree] = {}
    for stage in stages.members:
        name = stage.items["name"]
        rest = {key: item for key, item in stage.items.items() if key != "name"}
        named.setdefault(name.text or "", attrs.evolve(stage, value=rest, key=name.span))
    if len(named) < len(stages.members):  # which is told as what it is: no mapping
        return tree
    return attrs.evolve(tree, value={**tree.items, "stages": attrs.evolve(stages, value=named)})


def _by_metric(gates: Tree | None) -> dict[str, Tree]:
    """Gates by their metric, each as what is asked of it, however they are written."""
    found = dict(gates.items) if gates is not None else {}
    for gate in gates.members if gates is not None else ():
        said = {key: item.text or "" for key, item in gate.items.items()}
        text = f"{said.get('metric', '')} {said.get('operator', '')} {said.get('threshold', '')}" if said else gate.text or ""
        metric, _, asked = text.strip().partition(" ")
        found[metric] = attrs.evolve(gate, value=asked, text=asked)
    return found


def _of(value: Any, at: Tree) -> Tree:
    """A tree of plain data that stands where another one does."""
    if isinstance(value, Tree):
        return value
    if isinstance(value, dict):
        return Tree({name: _of(item, at) for name, item in cast("dict[str, Any]", value).items()}, at.span, at.key)
    if isinstance(value, list):
        return Tree([_of(item, at) for item in cast("list[Any]", value)], at.span, at.key)
    return Tree(value, at.span, at.key, None if value is None else str(value))


class _Expansion:
    def __init__(self, tree: Tree, found: list[Diagnostic]) -> None:
        self.tree, self.found = tree, found
        self.stages = tree.items["stages"].items
        self.kinds = {name: kind for name, stage in self.stages.items() if (kind := self._kind(name, stage)) is not None}
        self.gates = _by_metric(tree.items.get("gates"))
        self.kl = self._level("kl_from_reference", "kl_budget", "kl")
        self.found += self._mixed()
        self.aligning = [name for name, kind in self.kinds.items() if kind == "align"]

    def whole(self) -> Tree:
        """The manifest, spelled out."""
        top = {
            name: item
            for name, item in self.tree.items.items()
            if name not in ("kl_budget", "eval_data", "train_data", "data", "eval_data_hash")
        }
        inputs = {name: self._inputs(name, stage) for name, stage in self.stages.items()}
        stages = {name: self._stage(name, stage, inputs[name]) for name, stage in self.stages.items() if name in self.kinds}
        anchor = self.tree.items["stages"]
        top["stages"] = attrs.evolve(anchor, value=stages)
        top.setdefault("pipeline", _of("pipeline", anchor))
        top.setdefault("baseline", _of({"manifest": "the last release"}, anchor))
        if "budget" not in top:
            usd = self._level("cost_total_usd")
            top["budget"] = _of(
                {name: value for name, value in (("usd", usd), ("kl", self.kl)) if value is not None}, top.get("gates", anchor)
            )
        if "ships" not in top and (last := self._last()) is not None:
            top["ships"] = _of(last, self.stages[last])
        if "status" not in top:
            done = all(_hash(stage.items.get("output_hash")) for stage in self.stages.values())
            top["status"] = _of("complete" if done else "proposed", anchor)
        return attrs.evolve(self.tree, value=top)

    def _kind(self, name: str, stage: Tree) -> str | None:
        """The kind of a stage: what it says it is, or what its name says."""
        for key in ("kind", "type", "artifact"):
            said = stage.items.get(key)
            if said is not None and isinstance(said.value, str):
                kind = _known(said.value)
                if kind is None:
                    help = f"it is one of {', '.join(KINDS)}"
                    self.found.append(TypeUnknown.finding(f"`{name}` is of no kind of stage: {said.value!r:.80}", said.span, help=help))
                return kind
        kind = _known(_NUMBERED("", name))
        if kind is None:
            help = f"say its `kind`, one of {', '.join(KINDS)}, or write the manifest in full: `pdsl plan TARGET --manifest FILE`"
            self.found.append(TypeUnknown.finding(f"nothing says what kind of stage `{name:.80}` is", stage.key, help=help))
        return kind

    def _mixed(self) -> Iterator[Diagnostic]:
        """Data that is measured on, by its name or its hash, and learnt from."""
        held: dict[str, Tree] = {}
        top = self.tree.items
        for tree in (top.get("eval_data"), top.get("eval_data_hash"), top["data"].items.get("eval") if "data" in top else None):
            held |= {} if tree is None else dict.fromkeys(_data(tree), tree)
        for name, stage in self.stages.items():
            keys = ("eval_data", "eval_data_hash", "suite", "benchmarks") + (_DATA if self.kinds.get(name) == "evaluate" else ())
            held |= {data: stage.items[key] for key in keys if key in stage.items for data in _data(stage.items[key])}
        learnt = [("the run", tree) for tree in (top.get("train_data"), top["data"].items.get("train") if "data" in top else None) if tree]
        for name, stage in self.stages.items():
            if self.kinds.get(name) in ("tokenizer", "data", "pretrain", "sft", "reward", "align") and not self._held(name):
                learnt += [(f"`{name}`", stage.items[key]) for key in _DATA if key in stage.items]
        for who, tree in learnt:
            for data in sorted(_data(tree)):
                digest = data.startswith("sha256:")
                kept = held.get(data)
                if kept is None and (digest or not (_words(data) & _KEPT or data in self.gates)):
                    continue
                related = [("measured on here", kept.key)] if kept is not None else []
                help = "train on the training part; give evaluation data only to stages that measure"
                text = f"{who} learns from evaluation data: {data:.60}"
                if digest:
                    yield SameBytes.finding(text, tree.key, related=related, help=help)
                else:
                    yield EvaluationLeak().finding(text, at=tree.key, related=related, help=help)

    def _last(self) -> str | None:
        """What ships: the last server, or else the last quantized model, or else the last model."""
        for kinds in (("serve",), ("quantize",), ("align", "sft", "pretrain")):
            named = [name for name, kind in self.kinds.items() if kind in kinds]
            if named:
                return named[-1]
        return None

    def _level(self, *metrics: str) -> float | None:
        """What a gate, or a field of its name, allows at most."""
        for metric in metrics:
            said = self.gates.get(metric) or self.tree.items.get(metric)
            match = re.fullmatch(r"\s*(?:<=|≤)?\s*([\d_.]+(?:[eE][-+]?\d+)?)\s*", said.text or "") if said is not None else None
            if match and re.search(r"\d", match[1]):
                try:
                    return float(match[1].replace("_", ""))
                except ValueError:
                    return None
        return None

    def _inputs(self, name: str, stage: Tree) -> list[str]:
        """The stages that a stage reads: those that it names, those whose result it read, or else by their kinds and the order."""
        for key in ("inputs", "depends_on", "needs", "after"):
            said = stage.items.get(key)
            if said is None:
                continue
            named = [said] if isinstance(said.value, str) else [*said.members, *said.items.values()]
            for item in named:
                if item.text not in self.stages:
                    near = difflib.get_close_matches(str(item.text), self.stages, n=1)
                    help = f"did you mean `{near[0]}`?" if near else ""
                    text = f"`{name}` reads {item.text or item.plain!s:.80}, which the manifest does not have"
                    self.found.append(StageAbsent.finding(text, item.span, help=help))
            return [item.text for item in named if item.text in self.stages]
        read = _hashes(stage.items.get("input_hash"))
        if read:
            before = self._before(name)
            made = {digest: other for other in before if (digest := _hash(self.stages[other].items.get("output_hash")))}
            known = [made[digest] for digest in read if digest in made]
            if len(known) == len(read):
                return known
            if len(read) == 1 and (joint := _combined(read[0], made)):
                return joint
        return self._usual(name)

    def _before(self, name: str) -> list[str]:
        names = list(self.stages)
        return names[: names.index(name)]

    def _usual(self, name: str) -> list[str]:
        """What a stage of its kind reads: the latest of each kind that it can, a reward model beside its policy's start."""
        kind = self.kinds.get(name)
        order: Mapping[str, tuple[tuple[str, ...], ...]] = {
            "tokenizer": (("data",),),
            "data": (("tokenizer",), ("data",)),
            "pretrain": (("pretrain", "data"),),
            "sft": (("pretrain",),),
            "reward": (("sft",),),
            "align": (("align", "sft"), ("reward",)),
            "evaluate": (("align", "sft", "pretrain"),),
            "quantize": (("align", "sft", "pretrain"),),
            "serve": (("quantize", "align", "sft", "pretrain"),),
        }
        found: list[str] = []
        for kinds in order.get(kind or "", ()):
            near = [other for other in self._before(name) if self.kinds.get(other) in kinds and not self._held(other)]
            found += near[-1:]
        return found

    def _held(self, name: str) -> bool:
        """Whether a stage of data is kept for measuring."""
        words = _words(_NUMBERED("", name)) | _words(str((self.stages[name].items.get("split") or self.stages[name]).text or ""))
        return self.kinds.get(name) == "data" and bool(
            words & {"eval", "evaluation", "test", "heldout", "held", "benchmark", "validation", "dev"}
        )

    def _stage(self, name: str, stage: Tree, inputs: list[str]) -> Tree:
        for key, item in stage.items.items():
            if key not in ALLOWED:
                near = difflib.get_close_matches(key, ALLOWED, n=1)
                help = f"did you mean `{near[0]}`?" if near else "see `pdsl plan TARGET --manifest FILE` for a manifest in full"
                self.found.append(FieldUnknown.finding(f"stage `{name}` has no {key!r:.80}", item.key, help=help))
        kind = self.kinds[name]
        recipe = stage.items.get("recipe")
        if recipe is None or not recipe.text:
            self.found.append(
                FieldUnknown.finding(
                    f"stage `{name}` names no `recipe`", (recipe or stage).key, help="name what it does: `recipe: bpe_32k`"
                )
            )
        fields: dict[str, Any] = {"recipe": recipe if recipe is not None else _of("", stage)}
        if kind == "align":
            fields["kl_budget"] = self._kl_budget(stage)
        given = self._given(kind, inputs)
        read_at = next((stage.items[key] for key in ("inputs", "depends_on", "needs", "after", "input_hash") if key in stage.items), stage)
        declares: dict[str, Any] = {
            "produces": KINDS[kind].produces,
            "inputs": {key: {"reads": list(KINDS[kind].reads), "optional": True} for key in given},
            "measures": self._measures(name, kind),
            **({"aligns": True} if kind == "align" else {}),
            **({"evaluation": True} if self._held(name) else {}),
        }
        whole = {
            "recipe": {"type": f"{MODULE}:{KINDS[kind].produces}", "version": 1, "fields": fields, "inputs": _of(given, read_at)},
            "declares": declares,
            **{
                key: stage.items[key]
                for key in ("wall_clock_sec", "cost_usd", "metrics", "rollback", "hardware", "estimate")
                if key in stage.items
            },
        }
        read, made = stage.items.get("input_hash"), stage.items.get("output_hash")
        whole |= {"output_hash": made} if _hash(made) else {}
        whole |= {"input_hash": read} if read is not None else {}
        return attrs.evolve(stage, value=_of(whole, stage).value)

    def _given(self, kind: str, inputs: list[str]) -> dict[str, Any]:
        """The inputs of a stage by what they are for: the model that is measured, and the first reference of a policy."""
        if kind == "evaluate":
            model = next((name for name in inputs if self.kinds.get(name) != "data"), None)
            return {"model": model, "reads": [name for name in inputs if name != model]}
        start = next((name for name in inputs if self.kinds.get(name) in ("align", "sft", "pretrain")), None)
        if kind != "align" or start is None:
            return {"reads": inputs}
        first = start
        for name in reversed(self._before(start)):
            if self.kinds.get(first) == "align" and self.kinds.get(name) in ("align", "sft"):
                first = name
        return {"policy": start, "reads": [name for name in inputs if name != start], "reference": first}

    def _kl_budget(self, stage: Tree) -> Tree:
        """What a stage may move: what it says, or its share of what the gate allows all of them together."""
        said = stage.items.get("kl_budget")
        if said is not None:
            return said
        return _of(None if self.kl is None else self.kl / len(self.aligning), stage)

    def _measures(self, name: str, kind: str) -> list[Any]:
        """Evaluations measure what the gates ask for, alignment the divergence."""
        if kind == "align":
            return ["kl_from_reference", "preference_accuracy"]
        if kind == "reward":
            return ["reward_accuracy"]
        if kind == "quantize":
            return ["quantization_accuracy_delta", "quantization_kl"]
        if kind == "serve":
            return ["server_tokens_per_second", "server_latency_p95_seconds"]
        if kind != "evaluate":
            return []
        found: list[Any] = []
        for metric, gate in self.gates.items():
            if metric in RUN_METRICS or (metric in METRICS and METRICS[metric].family in ("divergence", "service", "cost")):
                continue
            near = metric not in METRICS and difflib.get_close_matches(metric, METRICS, n=1, cutoff=0.85)
            if metric in METRICS:
                found.append(metric)
            elif not near and re.fullmatch(r"[A-Za-z_][\w./-]*", metric):
                higher = ">" in (gate.text or "")
                found.append(
                    {
                        "name": metric,
                        "unit": "percent" if higher else "fraction",
                        "better": "higher" if higher else "lower",
                        "family": _family(metric),
                    }
                )
        return found


_DATA = ("data", "datasets", "train_data", "data_mix", "data_hash", "preference_data_hash", "calibration", "calibration_data")
"""What a stage calls the data that it reads."""

_KEPT = {"eval", "evals", "evaluation", "test", "heldout", "holdout", "benchmark", "benchmarks"}
"""What a name says that is kept for measuring."""


def _data(tree: Tree) -> set[str]:
    """The data sets that a value names: itself, its members, or the keys of a mixture."""
    if isinstance(tree.value, dict):
        return {name.strip().lower() for name in tree.items} | {name for item in tree.items.values() for name in _data(item) if ":" in name}
    if isinstance(tree.value, list):
        return {name for item in tree.members for name in _data(item)}
    return {tree.text.strip().lower()} if isinstance(tree.value, str) and tree.text and not _OPEN(tree.text) else set()


def _family(metric: str) -> str:
    words = _words(metric)
    if words & {"safety", "refusal", "violation", "toxicity", "harm", "harmful", "jailbreak", "bias"}:
        return "safety"
    return "contamination" if words & {"contamination", "overlap"} else "capability"


def _known(said: str) -> str | None:
    words = _words(said)
    for kind, known in KINDS.items():
        if words & {*known.words, kind}:
            if kind == "evaluate" and words & {"data", "dataset", "set", "corpus", "suite"}:
                continue
            return kind
    return None


def _words(text: str) -> set[str]:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()
    return {*re.split(r"[^a-z0-9]+", plain), *re.split(r"[^a-z]+", plain)} - {""}


def _hash(tree: Tree | None) -> str | None:
    return tree.text if tree is not None and isinstance(tree.value, str) and not _OPEN(tree.value) else None


def _hashes(tree: Tree | None) -> list[str]:
    if tree is None:
        return []
    found = (tree,) if not isinstance(tree.value, dict | list) else (*tree.items.values(), *tree.members)
    return [digest for item in found if (digest := _hash(item))]


def _combined(digest: str, made: Mapping[str, str]) -> list[str] | None:
    """The stages whose results one hash is of, joined in one of the usual ways."""
    latest = list(made)[-4:]
    for count in (2, 3):
        for some in permutations(latest, count):
            bare = [one.removeprefix("sha256:") for one in some]
            for parts in (some, bare):
                for between in ("", "\n", ":", "|", ",", "+"):
                    if hashlib.sha256(between.join(parts).encode()).hexdigest() == digest.removeprefix("sha256:"):
                        return [made[one] for one in some]
    return None


def links(stages: Mapping[str, Tree]) -> Iterator[Diagnostic]:
    """The hash chain: what a stage read is what one before it made; the first reads what comes from outside."""
    made: dict[str, str] = {}
    for place, (name, stage) in enumerate(stages.items()):
        for field in ("input_hash", "output_hash"):
            yield from _malformed(name, field, stage.items.get(field))
        read = _hashes(stage.items.get("input_hash"))
        named = [str(one) for one in leaves(_inputs_of(stage))]
        wanted = {digest: other for digest, other in made.items() if other in named} or made
        for digest in read if place and made else ():
            if digest not in wanted and not (len(read) == 1 and _combined(digest, made)):
                tree = stage.items["input_hash"]
                whose = f"`{named[0]}` made {_shown(stages, named[0])}" if named else "no stage before it made that"
                help = "the output hash of a stage is the input hash of the next: find out which of the two was changed"
                yield ChainBroken.finding(f"`{name}` read {digest:.24}, {whose}", tree.key, help=help)
        if _hash(stage.items.get("output_hash")) and not read and place and "input_hash" not in stage.items:
            yield ChainBroken.finding(f"`{name}` has a result, and does not say what it read", stage.items["output_hash"].key)
        if digest := _hash(stage.items.get("output_hash")):
            made[digest] = name


def _inputs_of(stage: Tree) -> Any:
    recipe = stage.items.get("recipe")
    inputs = recipe.items.get("inputs") if recipe is not None else None
    return [one for key, item in inputs.items.items() if key != "reference" for one in leaves(item.plain)] if inputs is not None else None


def _shown(stages: Mapping[str, Tree], name: str) -> str:
    return f"{_hash(stages[name].items.get('output_hash')) or 'nothing':.24}" if name in stages else "nothing"


def _malformed(name: str, field: str, tree: Tree | None) -> Iterator[Diagnostic]:
    for item in () if tree is None else (tree,) if not isinstance(tree.value, dict | list) else (*tree.items.values(), *tree.members):
        if item.value is None or (isinstance(item.value, str) and _OPEN(item.value)):
            continue
        if not isinstance(item.value, str) or not _HEX(item.value):
            help = "a digest is `sha256:` and 64 hexadecimal digits; a name can point at anything"
            yield DigestMalformed.finding(f"`{field}` of `{name}` is no digest: {item.text or ''!r:.80}", item.span, help=help)
        elif len(item.value) < len("sha256:") + 64:
            found = DigestMalformed.finding(f"`{field}` of `{name}` is cut short", item.span, help="write all 64 digits")
            yield attrs.evolve(found, severity=Severity.WARNING)
