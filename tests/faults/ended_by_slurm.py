# seen: https://github.com/huggingface/accelerate/issues/3400 – a cluster's limit of 12 hours, and nothing saved before the job is killed
from pipeline_dsl import A100_80, Hardware, Pipeline, Slurm, SlurmJob
from pipeline_dsl.stages import Sft

from _hub import Told, mistral

talk = Told(repository="talk", licence="Apache-2.0", examples=200_000)
sft = Sft(
    base=mistral,
    data=talk,
    epochs=10,
    batch=128,
    micro_batch=4,
    learning_rate=2e-5,
    zero_stage=3,
    processes=8,
    max_length=2048,
    tokens_per_row=1500,
    recompute="full",
    save_every=0,
    on=Hardware(device=A100_80, count=8),
)

pipeline = Pipeline(
    name="assistant",
    targets=[sft],
    launchers=[Slurm(gpu=SlurmJob(time="12:00:00"))],  # expect: PDSL335
)
