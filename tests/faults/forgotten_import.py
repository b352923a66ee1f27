from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft])  # expect: PDSL101
