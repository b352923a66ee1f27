# seen: https://github.com/treeverse/dvc/issues/7915 – a stage read the folder that it wrote: CyclicGraphError
"""A list that grows after it was given."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate

from _parts import text

corpora = [text]
first = Deduplicate(corpora=corpora)  # expect: PDSL303
second = Deduplicate(corpora=[first])
corpora.append(second)

pipeline = Pipeline(name="circle", targets=[second])
