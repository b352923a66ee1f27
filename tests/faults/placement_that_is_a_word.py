# seen: Megatron-LM's 8.3B run (arXiv:1909.08053), with its placement broken: a stage of the team's own names it
from pipeline_dsl import Pipeline, Sizes
from pipeline_dsl.stages import Sft

from _parts import base, chats


class Divided(Sft):
    """Fine-tuning that says where its model lies."""

    def placement(self, sizes: Sizes):  # pyright: ignore
        return "tensor-8"


sft = Divided(base=base, data=chats, learning_rate=1e-5)  # expect: PDSL209

pipeline = Pipeline(name="divided", targets=[sft])
