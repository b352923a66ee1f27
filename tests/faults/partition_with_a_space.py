# seen: Zephyr (arXiv:2310.16944) on a cluster, with its partition broken: two names, and a space between them
import attrs

from pipeline_dsl import Pipeline, Slurm, SlurmJob

from _parts import base

ours = Slurm(job=SlurmJob(partition="cpu", time="1-00:00:00"), gpu=SlurmJob(partition="h100"))
tonight = attrs.evolve(ours, gpu=attrs.evolve(ours.gpu, partition="h100, debug"))

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[tonight],  # expect: PDSL704
)
