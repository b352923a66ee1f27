# seen: https://github.com/dedupeio/dedupe/pull/402 – a threshold of 1.5 for a similarity between 0 and 1, by default
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate

from _parts import text

unique = Deduplicate(corpora=(text,), near=80)  # expect: PDSL203

pipeline = Pipeline(name="unique", targets=[unique])
