# seen: https://github.com/kubeflow/pipelines/issues/6981 – an artifact of one kind was wired where a step reads another
"""The baseline is what was measured before, and a model measures nothing."""

from pipeline_dsl import Pipeline, baseline, metric

from _parts import after, sft

pipeline = Pipeline(
    name="compared",
    targets=[after],
    gates=[metric("mmlu") >= baseline - 1],
    baseline=sft,  # expect: PDSL201
)
