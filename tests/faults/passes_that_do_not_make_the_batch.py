# seen: https://github.com/datawhalechina/hello-agents/pull/864 – rows of a pass, passes and processes, and which product is the batch
from pipeline_dsl import H100, Count, Hardware, Pipeline, stages

from _hub import Told, mistral


class Axolotl(stages.Sft):
    """Sft by settings that say how many passes make a step."""

    gradient_accumulation_steps: Count = 1


sft = Axolotl(
    base=mistral,
    data=Told(repository="talk", licence="Apache-2.0"),
    batch=128,
    micro_batch=2,
    gradient_accumulation_steps=4,  # expect: PDSL338
    learning_rate=1e-5,
    zero_stage=3,
    recompute="full",
    processes=8,
    on=Hardware(device=H100, count=8),
)

pipeline = Pipeline(name="assistant", targets=[sft])
