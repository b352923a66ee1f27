# seen: https://github.com/kubeflow/trainer/pull/3258 – past activeDeadlineSeconds a training job is failed, however far it is
from pipeline_dsl import A100_80, Hardware, Kubernetes, Pipeline, Pod
from pipeline_dsl.stages import Sft

from _hub import Told, mistral

talk = Told(repository="talk", licence="Apache-2.0", examples=200_000)
sft = Sft(
    base=mistral,
    data=talk,
    epochs=3,
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
    launchers=[Kubernetes(gpu=Pod(memory="200Gi", seconds=6 * 3600))],  # expect: PDSL335
)
