# seen: https://github.com/Kallappa2005/MLOPS_RED_WINE_QUALITY_PREDICTION/issues/78 – without its record a version was made up
from pipeline_dsl import Pipeline, Release, baseline, metric

from _parts import after

pipeline = Pipeline(
    name="compared",
    targets=[after],
    gates=[metric("mmlu") >= baseline],
    baseline=Release(manifest=__file__),  # expect: PDSL412
)
