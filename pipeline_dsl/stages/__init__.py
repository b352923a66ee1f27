"""The stage types that come with pdsl, one module each.

Importing them loads no library: a stage imports what it needs when it runs.
"""

from pipeline_dsl.stages.cleaning.quality import Bullets, Ellipses, Letters, StopWords, Symbols, WordLength, Words
from pipeline_dsl.stages.cleaning.repetition import RepeatedLines, RepeatedParagraphs, RepeatedPhrases, TopPhrases
from pipeline_dsl.stages.constitutional import ConstitutionalAi
from pipeline_dsl.stages.contamination import Contamination
from pipeline_dsl.stages.deduplicate import Deduplicate
from pipeline_dsl.stages.dpo import Dpo
from pipeline_dsl.stages.evaluate import Evaluate, Task
from pipeline_dsl.stages.fetch import Fetch
from pipeline_dsl.stages.fetching.npm import Npm
from pipeline_dsl.stages.fetching.pypi import Pypi
from pipeline_dsl.stages.grpo import Grpo
from pipeline_dsl.stages.ingest import GOPHER, Ingest
from pipeline_dsl.stages.local_files import LocalFiles
from pipeline_dsl.stages.lora_dpo import LoraDpo
from pipeline_dsl.stages.lora_sft import LoraSft
from pipeline_dsl.stages.merge import MergePolicy, MergeSft
from pipeline_dsl.stages.pretrain import Pretrain
from pipeline_dsl.stages.quantize import Quantize
from pipeline_dsl.stages.reward import TrainReward
from pipeline_dsl.stages.scaling import FitScalingLaw
from pipeline_dsl.stages.serve import Serve
from pipeline_dsl.stages.sft import Sft
from pipeline_dsl.stages.split import Split
from pipeline_dsl.stages.tokenize import Tokenize
from pipeline_dsl.stages.tokenizer import TrainTokenizer

__all__ = [
    "GOPHER",
    "Bullets",
    "ConstitutionalAi",
    "Contamination",
    "Deduplicate",
    "Dpo",
    "Ellipses",
    "Evaluate",
    "Fetch",
    "FitScalingLaw",
    "Grpo",
    "Ingest",
    "Letters",
    "LocalFiles",
    "LoraDpo",
    "LoraSft",
    "MergePolicy",
    "MergeSft",
    "Npm",
    "Pretrain",
    "Pypi",
    "Quantize",
    "RepeatedLines",
    "RepeatedParagraphs",
    "RepeatedPhrases",
    "Serve",
    "Sft",
    "Split",
    "StopWords",
    "Symbols",
    "Task",
    "Tokenize",
    "TopPhrases",
    "TrainReward",
    "TrainTokenizer",
    "WordLength",
    "Words",
]
