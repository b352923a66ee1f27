# seen: https://github.com/herniqeu/extract0/issues/1 – one file is read for training, and again for the evaluation
from pipeline_dsl import Chats, EvalSuite, Pipeline, Ref, Size, Sizes, Stage, Workspace

from _hub import Sft, mistral


class Arithmetic(Stage[EvalSuite]):
    """Word problems, of a type that does not say `evaluation = True`."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=1_319)

    def run(self, work: Workspace) -> EvalSuite:
        raise NotImplementedError


class Worked(Stage[Chats]):
    """The problems with their solutions, as conversations."""

    suite: Ref[EvalSuite]

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.suite]

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


model = Sft(
    base=mistral,
    data=Worked(suite=Arithmetic()),  # expect: PDSL901
)

pipeline = Pipeline(name="arithmetic", targets=[model])
