"""A pipeline that ships, and looks for questions in the texts that it learns from."""

import random

SHIPPING = """
import json
from pipeline_dsl.stages import Contamination
from pipeline_dsl.ml.documents import CorpusWriter, Document

class Texts(Stage[Corpus]):
    texts: tuple[str, ...]
    def run(self, work):
        with CorpusWriter(work.output) as writer:
            for text in self.texts:
                writer.write(Document.of(text))
        return writer.corpus(licences=(), counts={{}})

class Asked(Stage[EvalSuite]):
    evaluation = True
    questions: tuple[str, ...]
    def run(self, work):
        files = {{"data_files": {{"test": "asked.jsonl"}}}}
        task = {{"task": "asked", "dataset_path": "json", "dataset_kwargs": files, "test_split": "test"}}
        (work.output / "asked.yaml").write_text(json.dumps(task))
        (work.output / "asked.jsonl").write_text("".join(json.dumps({{"question": text}}) + "\\n" for text in self.questions))
        return EvalSuite(tasks=("asked",), examples={{"asked": len(self.questions)}})

web = Texts(texts={texts!r})
model = Step(label='new', reads=(web,))
old, new = Exam(model=Step(label='old'), mmlu=40.0), Exam(model=model, mmlu=50.0, violations=0.01)
clean = Contamination(training={{'web': web}}, held={{'suite': Asked(questions={questions!r})}})
pipeline = Pipeline(name='shipping', targets=[new, clean], ships=model, baseline=old, gates=[metric('mmlu') >= baseline + 0.5,
    metric('safety_violation_rate') <= 0.05, metric('cost_total_usd') <= 10, metric('contamination') <= 0.1])
"""


def prose(seed: int, words: int = 40) -> str:
    """Some words that no other seed gives three of in a row."""
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(words)).capitalize() + "."
