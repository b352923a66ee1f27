# seen: Cosmopedia (10,000 H100 hours for 25 billion written tokens), with its cost gate broken
from pipeline_dsl import H100, Chats, Hardware, Pipeline, Prompts, Ref, Sizes, Stage, Work, Workspace, metric
from pipeline_dsl.base.units import Seconds

from _parts import asked


class Write(Stage[Chats]):
    """Textbooks and stories by a large model."""

    prompts: Ref[Prompts]

    def cost(self, sizes: Sizes) -> Work:
        return Work(seconds=Seconds(10_000 / 160 * 3600))

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


written = Write(prompts=asked, on=Hardware(device=H100, count=8, nodes=20))

pipeline = Pipeline(name="cosmopedia", targets=[written], gates=[metric("cost_total_usd") <= 10_000])  # expect: PDSL613
