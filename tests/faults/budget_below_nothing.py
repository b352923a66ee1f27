from pipeline_dsl import Budget, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=-500))  # expect: PDSL603
