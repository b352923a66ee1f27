# seen: https://github.com/stackrox/kube-linter/issues/189 – memory: 3500m is three and a half bytes, and no pod started
from pipeline_dsl import Kubernetes, Pipeline, Pod

from _parts import base

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Kubernetes(pod=Pod(cpu="500m", memory="3500m"))],  # expect: PDSL704
)
