# seen: https://github.com/PantherHackers/PantherBot/pull/61 – one string where a list was iterated: it came out letter by letter
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=metric("mmlu") >= 50,  # expect: PDSL105
)
