# seen: https://github.com/huggingface/autotrain-advanced/issues/790 – an adapter of a fine-tuned model, merged into what it was tuned from
from pipeline_dsl import Lora, Pipeline
from pipeline_dsl.stages import LoraDpo, MergePolicy

from _parts import Sft, Talk, asked, base, compared, judged, sft

older = Sft(base=base, data=Talk(year=2023))
adapter = LoraDpo(policy=sft, data=judged, held=compared, prompts=asked, lora=Lora(rank=16), learning_rate=1e-5, kl_budget=10.0)
merged = MergePolicy(
    base=older,  # expect: PDSL229
    adapter=adapter,
)

pipeline = Pipeline(name="assistant", targets=[merged])
