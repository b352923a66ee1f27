from pipeline_dsl import Pipeline, Release, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="compared",
    targets=[after],
    gates=[metric("mmlu") >= baseline],
    baseline=Release(manifest=__file__),  # expect: PDSL412
)
