# seen: https://github.com/dynamical-org/reformatters/pull/158 – 6GiB: quantities must match the regular expression
from pipeline_dsl import Kubernetes, Pipeline, Pod

from _parts import base

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Kubernetes(gpu=Pod(memory="200Gi", shared_memory="64GiB"))],  # expect: PDSL704
)
