# seen: https://github.com/bigscience-workshop/data_tooling/issues/310 – the Pile holds the mail of Enron's people, as they wrote it
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Fetch, Ingest, Tokenize

from _parts import TINY, Npm, Pretrain, tokenizer, unseen

mail = Fetch(package=Npm(name="enron-mail", version="1.0.0", sha256="4c" * 32), licence="CC0-1.0", personal=True)
letters = Ingest(sources=(mail,), filters=(), redact=(), tokens=20_000_000)
rows = Tokenize(tokenizer=tokenizer, corpora=(letters,), length=512)
base = Pretrain(
    data=rows,  # expect: PDSL907
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
