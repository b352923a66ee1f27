# seen: https://github.com/OpenEuroLLM/JudgeArena/pull/39 – what a score was measured on followed its repository, until each was pinned
from pipeline_dsl import EvalSuite, Pipeline, Stage, Workspace
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, sft


class GitSuite(Stage[EvalSuite]):
    """Tasks as a repository has them."""

    evaluation = True

    repo: str
    branch: str

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


suite = GitSuite(
    repo="git.example/team/harness",
    branch="big-refactor",  # expect: PDSL240
)
scores = Evaluate(model=sft, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="small", targets=[scores])
