# seen: https://github.com/galaxyproject/galaxy/pull/9733 – InvalidImageName: a repository with capitals, which no node could pull
from pipeline_dsl import Kubernetes, Pipeline

from _parts import base

IMAGE = "registry.example/MyTeam/train@sha256:" + "a1" * 32

pipeline = Pipeline(
    name="small",
    targets=[base],
    launchers=[Kubernetes(image=IMAGE)],  # expect: PDSL704
)
