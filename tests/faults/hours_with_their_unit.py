# seen: https://github.com/nservant/HiC-Pro/issues/645 – sbatch: error: Invalid --time specification
from pipeline_dsl import Pipeline, Slurm, SlurmJob

from _parts import base

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Slurm(gpu=SlurmJob(partition="h100", time="24h"))],  # expect: PDSL704
)
