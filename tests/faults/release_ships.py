from pipeline_dsl import Pipeline, Release

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], ships=Release(manifest="releases/1.yaml"))  # expect: PDSL305
