"""A planned stage is found again, wherever its plan was compiled."""

import sys
from pathlib import Path

from tests.command import pdsl, run

PIPELINE = """
from pipeline_dsl import Corpus, Pipeline, Stage, Workspace

class Write(Stage[Corpus]):
    '''One line.'''

    def run(self, work: Workspace) -> Corpus:
        (work.output / "text.jsonl").write_text("{}\\n")
        return Corpus(documents=1, characters=4)

pipeline = Pipeline(name="found", targets=[Write()])
"""


def test_the_modules_of_a_launchers_plan_are_where_it_is_run(tmp_path: Path) -> None:
    """Also by the installed command, beside which Python looks for modules instead."""
    (tmp_path / "ours.py").write_text(PIPELINE)
    assert pdsl("compile", "ours.py", "--backend", "local", cwd=tmp_path).returncode == 0
    installed = [sys.executable, "-P", "-c", "from pipeline_dsl.cli import main; main()"]
    plan = tmp_path / "generated" / "found" / "local" / "plan.json"
    ended = run([*installed, "stage", "run", "01_write", "--plan", plan, "--store", tmp_path / "store"], cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
