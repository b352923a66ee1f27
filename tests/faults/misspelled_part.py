# seen: https://github.com/princeton-vl/CornerNet/issues/68 – --split with a value that is none of its parts: KeyError
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split

from _parts import unique

train = Split(corpus=unique, part="training")  # expect: PDSL203

pipeline = Pipeline(name="split", targets=[train])
