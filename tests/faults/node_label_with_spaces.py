# seen: https://github.com/kubernetes/website/pull/4086 – a GPU's name with spaces is no label, and nothing can be selected by it
from pipeline_dsl import Kubernetes, Pipeline, Pod

from _parts import base

IMAGE = "registry.example/team/train@sha256:" + "a1" * 32

cards = Pod(memory="200Gi", node_selector={"nvidia.com/gpu.product": "NVIDIA H100 80GB HBM3"})

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Kubernetes(image=IMAGE, gpu=cards)],  # expect: PDSL704
)
