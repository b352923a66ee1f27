"""A dataset's rows as one array on disk, which every rank maps and none copies."""

from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.base.fault import WrongArtifact

IGNORED = -100
"""The label that no loss counts (PyTorch's `ignore_index`)."""


def unpack(dataset: Path, file: Path, *, rows: int, length: int, vocabulary: int) -> None:
    """Write the `input_ids` of a dataset's shards, in the order of their names, to `file`: npy, [rows, length].

    Raises: WrongArtifact if the shards hold other rows than the metadata says, or ids that a vocabulary of this size lacks.
    """
    numpy: Any = import_module("numpy")
    parquet: Any = import_module("pyarrow.parquet")
    draft = file.with_suffix(".draft")
    kind = "uint16" if vocabulary <= 2**16 else "uint32"
    out = numpy.lib.format.open_memmap(draft, mode="w+", dtype=kind, shape=(rows, length))
    at = 0
    for shard in sorted(dataset.glob("*.parquet")):
        for group in parquet.ParquetFile(shard).iter_batches(columns=["input_ids"], batch_size=8192):
            flat = group.column(0).flatten().to_numpy(zero_copy_only=False)
            if len(flat) != len(group) * length or at + len(group) > rows:
                raise WrongArtifact(f"`{shard.name}` does not fit a dataset of {rows} rows of {length} tokens")
            if len(flat) and not 0 <= int(flat.min()) <= int(flat.max()) < vocabulary:
                help = "give the model the vocabulary of the tokenizer that made the data"
                raise WrongArtifact(f"`{shard.name}` holds token {int(flat.max())}, the model knows {vocabulary}", help=help)
            out[at : at + len(group)] = flat.reshape(-1, length)
            at += len(group)
    if at != rows:
        raise WrongArtifact(f"the shards hold {at} rows, the metadata says {rows}")
    out.flush()
    draft.replace(file)


class Rows:
    """The rows of an unpacked file, as PyTorch reads a dataset: a row is a 1-d array of ids."""

    def __init__(self, file: Path) -> None:
        self.ids: Any = import_module("numpy").load(file, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        return self.ids[index]


def batch(rows: Any, pad: int | None) -> dict[str, Any]:
    """Rows as a model takes them: `input_ids` and `labels`, both [rows, length]; padding is no label.

    No attention mask: padding stands only at the end of a row, where a causal model's other tokens do not see it.
    """
    numpy: Any = import_module("numpy")
    torch: Any = import_module("torch")
    ids = torch.from_numpy(numpy.stack(rows).astype("int64"))
    labels = ids if pad is None else ids.masked_fill(ids == pad, IGNORED)
    return {"input_ids": ids, "labels": labels}
