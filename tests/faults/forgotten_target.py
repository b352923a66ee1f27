# seen: https://github.com/snakemake/snakemake/issues/1852 – a rule whose output `rule all` does not name was never run, not even by --forcerun
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, sft, suite

report = Evaluate(model=sft, suite=suite, tasks=TASKS)  # expect: PDSL304

pipeline = Pipeline(name="assistant", targets=[sft])
