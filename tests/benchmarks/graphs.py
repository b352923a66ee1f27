"""The graphs that are measured, and how `pdsl` and its peers are told of them. Every stage makes one small file."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.floor import Node
from tests.command import ROOT

LLM: list[Node] = [
    ("tokenizer", ()),
    ("tokenize", ("tokenizer",)),
    ("dataset", ("tokenize",)),
    ("pretrain", ("dataset",)),
    ("scale", ("pretrain",)),
    ("sft", ("scale",)),
    ("reward", ("sft",)),
    ("dpo", ("sft",)),
    ("constitutional", ("reward", "dpo")),
    ("evaluate", ("constitutional",)),
    ("quantize", ("evaluate",)),
    ("serve", ("quantize",)),
]
"""Twelve stages, two of which can run at once."""

STAGES = '''\
"""A stage that does as little as a stage can."""

from pipeline_dsl import Artifact, Ref, Stage, Workspace


class Blob(Artifact):
    """Some bytes."""

    files = ("blob",)

    size: int


class Small(Stage[Blob]):
    """Writes a kibibyte that depends on its inputs."""

    label: str
    inputs: tuple[Ref[Blob], ...] = ()

    def run(self, work: Workspace) -> Blob:
        data = self.label.encode() + b"".join((work.path(given) / "blob").read_bytes()[:64] for given in self.inputs)
        (work.output / "blob").write_bytes(data.ljust(1024, b".")[:1024])
        return Blob(size=1024)


class Large(Stage[Blob]):
    """Writes `length` bytes, of which every block is another."""

    length: int

    def run(self, work: Workspace) -> Blob:
        with (work.output / "blob").open("wb") as stream:
            for block in range(self.length // 2**20):
                stream.write(block.to_bytes(8, "little") * 2**17)
        return Blob(size=self.length)
'''


def layered(count: int) -> list[Node]:
    """`count` stages in layers as wide as there are layers; each reads two of the layer above."""
    width = max(1, round(math.sqrt(count)))
    names = [f"s{number:05d}" for number in range(count)]
    nodes: list[Node] = []
    for number, name in enumerate(names):
        above = number - width
        column = number % width
        given = {names[above], names[above - column + (column + 1) % width]} if above >= 0 else set[str]()
        nodes.append((name, tuple(sorted(given))))
    return nodes


def sinks(nodes: Sequence[Node]) -> list[str]:
    """The stages that no other reads."""
    read = {given for _, inputs in nodes for given in inputs}
    return [name for name, _ in nodes if name not in read]


def write_pdsl(folder: Path, nodes: Sequence[Node], *, large: int = 0) -> Path:
    """Write a pipeline file; `large` adds a source of so many bytes under the first stage."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "smallest.py").write_text(STAGES)
    lines = ["from pipeline_dsl import Pipeline", "from smallest import Large, Small", ""]
    first = nodes[0][0]
    if large:
        lines.append(f'bulk = Large(name="bulk", length={large})')
    for name, inputs in nodes:
        given = ["bulk"] if large and name == first else list(inputs)
        tail = f", inputs=({', '.join(given)},)" if given else ""
        lines.append(f'{name} = Small(name="{name}", label="{name}"{tail})')
    lines.append(f'pipeline = Pipeline(name="measured", targets=[{", ".join(sinks(nodes))}])')
    file = folder / "pipeline.py"
    file.write_text("\n".join(lines) + "\n")
    return file


SWEEP = """\
from pipeline_dsl import Llama, Pipeline
from pipeline_dsl.stages import Dpo, Evaluate, Fetch, Ingest, Npm, Pretrain, Sft, Split, Task, Tokenize, TrainReward, TrainTokenizer
from pipelines.files import ChatFiles, PreferenceFiles, PromptFiles, SuiteFiles

package = Fetch(package=Npm(name="texts", version="1.0.0", sha256="0" * 64), files=("**/*.txt",), licence="CC0-1.0")
corpus = Ingest(sources=(package,))
train, validation = Split(corpus=corpus, part="train"), Split(corpus=corpus, part="validation")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=2048)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=128)
held = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=128)
model = Llama(hidden=64, layers=2, heads=4, kv_heads=2, ffn=128, vocabulary=2048, context=512)
chats = ChatFiles(source=package, examples=100)
pairs = PreferenceFiles(source=package, examples=100)
held_pairs = PreferenceFiles(source=package, examples=50, held_out=True)
prompts = PromptFiles(source=package, examples=50, held_out=True)
exam = SuiteFiles(source=package, tasks=("kinds",), examples=60)

reports = []
for seed in range(COUNT):
    base = Pretrain(
        data=rows, validation=held, tokenizer=tokenizer, model=model, tokens=100_000, batch=16, learning_rate=3e-4, seed=seed
    )
    sft = Sft(base=base, data=chats, learning_rate=1e-4, seed=seed)
    reward = TrainReward(base=sft, data=pairs, held=held_pairs, learning_rate=1e-4, seed=seed)
    dpo = Dpo(policy=sft, data=pairs, held=held_pairs, prompts=prompts, kl_budget=2.0, learning_rate=1e-4, seed=seed)
    reports += [reward, Evaluate(model=dpo, suite=exam, tasks=(Task(name="kinds"),))]

pipeline = Pipeline(name="sweep", targets=reports)
"""


def write_sweep(folder: Path, stages: int) -> Path:
    """Write a pipeline of about so many stages of our own types: one recipe from five stages, again and again with another seed."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__", ".pdsl"))
    file = folder / "sweep.py"
    file.write_text(SWEEP.replace("COUNT", str(stages // 5)))
    return file


def shell(name: str, inputs: Sequence[str]) -> str:
    """The same small work as a shell command, for tools whose stages are commands."""
    given = " ".join(f"out/{one}" for one in inputs) or "/dev/null"
    return f"{{ echo {name}; cat {given}; }} | head -c 1024 > out/{name}"


def write_dvc(folder: Path, nodes: Sequence[Node]) -> None:
    """Write a dvc.yaml."""
    lines = ["stages:"]
    for name, inputs in nodes:
        lines += [f"  {name}:", f"    cmd: '{shell(name, inputs)}'"]
        lines += ["    deps:", *(f"    - out/{given}" for given in inputs)] if inputs else []
        lines += ["    outs:", f"    - out/{name}"]
    (folder / "out").mkdir(parents=True, exist_ok=True)
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")


def write_snakemake(folder: Path, nodes: Sequence[Node]) -> None:
    """Write a Snakefile."""
    lines = ["rule all:", "    input:", *(f"        'out/{name}'," for name in sinks(nodes))]
    for name, inputs in nodes:
        lines.append(f"rule {name}:")
        lines += ["    input:", *(f"        'out/{given}'," for given in inputs)] if inputs else []
        command = shell(name, inputs).replace("{", "{{").replace("}", "}}")
        lines += ["    output:", f"        'out/{name}'", "    shell:", f"        '{command}'"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Snakefile").write_text("\n".join(lines) + "\n")
