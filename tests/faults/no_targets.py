# seen: https://github.com/snakemake/snakemake/issues/2773 – without a default target: nothing to be done
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats)

pipeline = Pipeline(name="assistant", targets=[])  # expect: PDSL305
