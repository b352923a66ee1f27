"""The short spelling of a manifest: stages as a list of recipes by name, each with one hash in and one out, and gates by metric.

    pipeline_version: 1.2.3
    seed: 42
    git_commit: a1b2c3d4
    stages:
      01_tokenizer: {recipe: bpe_32k, input_hash: sha256:..., output_hash: sha256:..., wall_clock_sec: 3600, cost_usd: 12}
    gates:
      mmlu: >= baseline + 0.5

What it leaves out is what its stages are usually taken for: the kind of a stage is read from its name, its inputs from its hash, or
else from the order. It is spelled out here as a whole manifest, of stages that are told, and then judged as any other.
"""

from pipeline_dsl.compiler.review.short.expansion import expanded
from pipeline_dsl.compiler.review.short.links import links
from pipeline_dsl.compiler.review.short.spelling import by_name, is_short, repaired

__all__ = ["by_name", "expanded", "is_short", "links", "repaired"]
