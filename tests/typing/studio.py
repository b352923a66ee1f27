"""A team's pipeline up to the models that the files beside this one go on from, right or wrong."""

from pipeline_dsl import Llama
from pipeline_dsl.stages import Dpo, Fetch, Ingest, Npm, Pretrain, Sft, Split, Tokenize, TrainReward, TrainTokenizer
from pipelines.files import ChatFiles, PreferenceFiles, PromptFiles, SuiteFiles

package = Fetch(package=Npm(name="texts", version="1.0.0", sha256="0" * 64), files=("**/*.txt",), licence="CC0-1.0")
corpus = Ingest(sources=(package,))
train, validation = Split(corpus=corpus, part="train"), Split(corpus=corpus, part="validation")
tokenizer = TrainTokenizer(corpora=(train,), vocabulary=2048)
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=128)
held = Tokenize(tokenizer=tokenizer, corpora=(validation,), length=128)
model = Llama(hidden=64, layers=2, heads=4, kv_heads=2, ffn=128, vocabulary=2048, context=512)
base = Pretrain(data=rows, validation=held, tokenizer=tokenizer, model=model, tokens=100_000, batch=16, learning_rate=3e-4)

chats = ChatFiles(source=package, examples=100)
pairs = PreferenceFiles(source=package, examples=100)
held_pairs = PreferenceFiles(source=package, examples=50, held_out=True)
prompts = PromptFiles(source=package, examples=50, held_out=True)
exam = SuiteFiles(source=package, tasks=("kinds",), examples=60)

sft = Sft(base=base, data=chats, learning_rate=1e-4)
reward = TrainReward(base=sft, data=pairs, held=held_pairs, learning_rate=1e-4)
dpo = Dpo(policy=sft, data=pairs, held=held_pairs, prompts=prompts, kl_budget=2.0, learning_rate=1e-4)
