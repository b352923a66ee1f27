from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split

from _parts import unique

train = Split(corpus=unique, part="training")  # expect: PDSL203

pipeline = Pipeline(name="split", targets=[train])
