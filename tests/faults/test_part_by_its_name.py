# seen: https://github.com/yangheng95/PyABSA/issues/53 – a model that others build on had the test part among its training data
from pipeline_dsl import Chats, Pipeline, Size, Sizes, Stage, Workspace

from _hub import Sft, mistral


class Hub(Stage[Chats]):
    """Conversations of the Hub."""

    repository: str
    revision: str
    split: str = "train"

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=20_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


chats = Hub(repository="HuggingFaceH4/ultrachat_200k", revision="2" * 40, split="train_sft+test_sft")
model = Sft(
    base=mistral,
    data=chats,  # expect: PDSL901
)

pipeline = Pipeline(name="assistant", targets=[model])
