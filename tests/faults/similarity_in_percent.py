from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate

from _parts import text

unique = Deduplicate(corpora=(text,), near=80)  # expect: PDSL203

pipeline = Pipeline(name="unique", targets=[unique])
