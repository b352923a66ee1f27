"""The words of a pipeline file, and the map of the code.

A pipeline file declares stages (`lang/`), the compiler turns them into a `Plan` or into diagnostics (`compiler/`), and
everything after that reads only the plan: `runner/` executes it, `store/` keeps what it made, `gates/` judge it. `stages/`
has one file a stage type, `cli/` one a command. `base/` is what all of them speak in.
"""

from pipeline_dsl.lang.adapter import Lora
from pipeline_dsl.lang.architecture import Experts, Llama
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.artifacts import (
    CausalModel,
    Chats,
    Checkpoint,
    Corpus,
    Dataset,
    EvalReport,
    EvalSuite,
    Policy,
    Preferences,
    Prompts,
    QuantizedModel,
    RewardModel,
    ScalingLaw,
    ServerSpec,
    SftModel,
    Source,
    Tokenizer,
    Weights,
)
from pipeline_dsl.lang.budget import Budget
from pipeline_dsl.lang.device import (
    A10G,
    A100_40,
    A100_80,
    A800,
    B200,
    CPU_CORE,
    GB200,
    GB300,
    GH200,
    H100,
    H100_PCIE,
    H200,
    H800,
    L4,
    L40S,
    MI250X,
    MI300X,
    RTX_4090,
    TPU_V3,
    TPU_V4,
    TPU_V5E,
    TPU_V5P,
    TPU_V6E,
    V100,
    Device,
)
from pipeline_dsl.lang.fields import Count, Fraction, NonNegative, Positive, Range, Whole, execution, held_out
from pipeline_dsl.lang.gate import Gate, Metric, baseline, metric
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod, Serving, TensorRtLlm, Toleration
from pipeline_dsl.lang.local import Local
from pipeline_dsl.lang.measure import Divergence, Score
from pipeline_dsl.lang.parallel import Parallel
from pipeline_dsl.lang.pipeline import Pipeline, Release
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.slurm import Slurm, SlurmJob
from pipeline_dsl.lang.stage import Problem, Ref, Stage
from pipeline_dsl.lang.workspace import Workspace

__all__ = [
    "A100_40",
    "A100_80",
    "A10G",
    "A800",
    "Artifact",
    "B200",
    "Budget",
    "CPU_CORE",
    "CausalModel",
    "Chats",
    "Checkpoint",
    "Corpus",
    "Count",
    "Dataset",
    "Device",
    "Divergence",
    "EvalReport",
    "EvalSuite",
    "Experts",
    "Fraction",
    "GB200",
    "GB300",
    "GH200",
    "Gate",
    "H100",
    "H100_PCIE",
    "H200",
    "H800",
    "Hardware",
    "Kubernetes",
    "L4",
    "L40S",
    "Llama",
    "Local",
    "Lora",
    "MI250X",
    "MI300X",
    "Metric",
    "NonNegative",
    "Parallel",
    "Pipeline",
    "Pod",
    "Policy",
    "Positive",
    "Preferences",
    "Problem",
    "Prompts",
    "QuantizedModel",
    "RTX_4090",
    "Range",
    "Ref",
    "Release",
    "RewardModel",
    "ScalingLaw",
    "Score",
    "ServerSpec",
    "Serving",
    "SftModel",
    "Size",
    "Sizes",
    "Slurm",
    "SlurmJob",
    "Source",
    "Stage",
    "TPU_V3",
    "TPU_V4",
    "TPU_V5E",
    "TPU_V5P",
    "TPU_V6E",
    "TensorRtLlm",
    "Tokenizer",
    "Toleration",
    "V100",
    "Weights",
    "Whole",
    "Work",
    "Workspace",
    "baseline",
    "execution",
    "held_out",
    "metric",
]
