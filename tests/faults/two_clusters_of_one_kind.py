# seen: Zephyr (arXiv:2310.16944) on a cluster, with its settings broken: a second Slurm cluster, whose settings took the place of the first
from pipeline_dsl import Pipeline, Slurm, SlurmJob

from _parts import base

ours = Slurm(gpu=SlurmJob(partition="h100", time="2-00:00:00"))
theirs = Slurm(gpu=SlurmJob(partition="a100", account="guest"))

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[ours, theirs],  # expect: PDSL704
)
