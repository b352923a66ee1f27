# seen: https://github.com/kubernetes/kubernetes/issues/90905 – one number in a list of strings: ReadString expects a quote
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Ingest

from _parts import source

text = Ingest(sources=(source,), languages=("en", 5))  # expect: PDSL202

pipeline = Pipeline(name="text", targets=[text])
