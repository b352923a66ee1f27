# seen: https://github.com/Shopify/shopify_python/issues/67 – a trailing comma made a tuple of one value
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split

from _parts import text, unique

train = Split(corpus=(unique, text), part="train")  # expect: PDSL206

pipeline = Pipeline(name="split", targets=[train])
