"""The least that any tool of this kind does, in plain Python: read declarations, order them, give each a digest, look at what is there.

A yardstick and no product: it has no types, spans, messages, costs or gates. Written into a folder with its pipeline.
"""

from collections.abc import Sequence
from pathlib import Path

Node = tuple[str, tuple[str, ...]]
"""A stage's name and the names of its inputs."""

PROGRAM = """\
import hashlib
import json
import os
from graphlib import TopologicalSorter

from declared import STAGES

by_name = {stage.name: stage for stage in STAGES}
if len(by_name) != len(STAGES):
    raise SystemExit("two stages of one name")
for stage in STAGES:
    for name in stage.inputs:
        if name not in by_name:
            raise SystemExit(f"{stage.name} reads {name}, which nothing makes")

digests = {}
pending = 0
for name in TopologicalSorter({stage.name: stage.inputs for stage in STAGES}).static_order():
    identity = [name, 1, [digests[given] for given in by_name[name].inputs]]
    digests[name] = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    pending += not os.path.exists("made/" + digests[name])
print(len(STAGES), "stages,", pending, "to run")
"""


def write_floor(folder: Path, nodes: Sequence[Node]) -> Path:
    """Write the yardstick for one graph; the path of the program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stage.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass(frozen=True, slots=True)\nclass Stage:\n    name: str\n    inputs: tuple = ()\n"
    )
    lines = [f"    Stage({name!r}, {inputs!r})," for name, inputs in nodes]
    (folder / "declared.py").write_text("\n".join(["from stage import Stage", "", "STAGES = [", *lines, "]", ""]))
    program = folder / "main.py"
    program.write_text(PROGRAM)
    return program
