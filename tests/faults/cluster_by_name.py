# seen: OLMo's launch on a Slurm cluster (arXiv:2402.00838), with its launcher broken: the name of a backend for its settings
from pipeline_dsl import Pipeline

from _parts import base

pipeline = Pipeline(
    name="base",
    targets=[base],
    launchers=["slurm"],  # expect: PDSL105
)
