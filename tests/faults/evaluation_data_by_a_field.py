# seen: https://github.com/yangheng95/PyABSA/issues/53 – a model that others build on had the test part among its training data
from pipeline_dsl import Chats, Pipeline, Size, Sizes, Stage, Workspace

from _hub import Sft, mistral


class Collected(Stage[Chats]):
    """Conversations of a folder."""

    folder: str
    evaluation: bool = False  # type: ignore[misc]

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=5_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


gold = Collected(folder="gold", evaluation=True)
model = Sft(
    base=mistral,
    data=gold,  # expect: PDSL901
)

pipeline = Pipeline(name="gold", targets=[model])
