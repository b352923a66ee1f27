# seen: https://github.com/verl-project/verl/issues/670 – the key of the tracker was committed with the environment of the runs
from pipeline_dsl import Pipeline, Slurm

from _parts import base

KEY = "0a1b2c3d4e5f60718293" + "a4b5c6d7e8f901234567"

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Slurm(settings={"NCCL_DEBUG": "WARN", "WANDB_API_KEY": KEY})],  # expect: PDSL207
)
