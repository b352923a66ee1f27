# seen: https://github.com/snakemake/snakemake/issues/2773 – the rule that names what to make was not seen: nothing to be done
from pipeline_dsl import Pipeline

from _parts import sft  # noqa: F401

pipeline = Pipeline(name="assistant")  # expect: PDSL105
