from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], ships="sft")  # expect: PDSL305
