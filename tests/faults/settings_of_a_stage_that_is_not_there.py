# seen: Pythia (arXiv:2304.01373) on a cluster, with its settings broken: the stage that they name was renamed
from pipeline_dsl import Pipeline, Slurm, SlurmJob

from _parts import base

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Slurm(stages={"pretraining": SlurmJob(time="14-00:00:00")})],  # expect: PDSL704
)
