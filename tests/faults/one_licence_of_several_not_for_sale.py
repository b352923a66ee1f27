# seen: https://github.com/murong-xu/CADS/issues/3 – weights are given out under CC-BY, and some of their data sets forbid commercial use
from pipeline_dsl import Chats, Pipeline, Size, Sizes, Stage, Workspace

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, mistral, suite


class Mixture(Stage[Chats]):
    """Conversations of several publishers."""

    licences: tuple[str, ...]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=300_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


mixture = Mixture(licences=("MIT", "ODC-By-1.0", "CC-BY-NC-4.0"))
model = Sft(base=mistral, data=mixture)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
