# seen: https://github.com/snakemake/snakemake/issues/2142 – missing outputs of some samples were silently not made
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

runs = [
    Sft(base=base, data=chats, learning_rate=1e-5),
    Sft(base=base, data=chats, learning_rate=2e-5),
    Sft(base=base, data=chats, learning_rate=4e-5),  # expect: PDSL304
]

pipeline = Pipeline(name="sweep", targets=runs[:2])
