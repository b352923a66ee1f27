# seen: https://github.com/ecmwf/anemoi-core/issues/114 – Slurm ends training jobs before they are done, and nothing was saved
from pipeline_dsl import H100, Chats, Hardware, Pipeline, Size, Sizes, Stage, Workspace

from _cluster import seven
from _parts import Sft


class Letters(Stage[Chats]):
    """Twenty million conversations."""

    def size(self, sizes: Sizes) -> Size:
        return Size(examples=20_000_000)

    def run(self, work: Workspace) -> Chats:
        raise NotImplementedError


base = Sft(
    base=seven,
    data=Letters(),
    batch=256,
    micro_batch=1,
    processes=8,
    zero_stage=3,
    tokens_per_row=1000,
    save_every=0,
    on=Hardware(device=H100, count=8, time_limit=24),  # expect: PDSL335
)

pipeline = Pipeline(name="ended-by-the-queue", targets=[base])
