# seen: https://github.com/cnulab/RealNet/issues/93 – the repository is MIT, and what its data was made of forbids commerce
from pipeline_dsl import Chats, Pipeline, Size, Sizes, Stage, Workspace

from _hub import BASELINE, BUDGET, GATES, TASKS, Evaluate, Serve, Sft, asked, mistral, suite


class Generated(Stage[Chats]):
    """Conversations of the Hub."""

    licence: str
    terms: str = "open"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=360_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = Generated(licence="MIT", terms="noncommercial")
model = Sft(base=mistral, data=chats)
server = Serve(model=model, prompts=asked)  # expect: PDSL904
scores = Evaluate(model=model, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="assistant", targets=[server, scores], gates=GATES, baseline=BASELINE, budget=BUDGET, use="commercial")
