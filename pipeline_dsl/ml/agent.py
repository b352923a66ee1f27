"""The process between a stage and its ranks: torchrun, which also reports what became of each rank.

`python -m pipeline_dsl.ml.agent JOB NODE PARENT` does what `torchrun` does on the command line, on one machine of the job, and
writes the exit codes of the ranks that failed there to `exits-NODE.json` beside the job.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.ml.rank import die_with_parent, write_whole


def main(job_file: Path, node: int, parent: int) -> int:
    """Run the job's ranks on machine `node` to their end; 0 if all of them succeeded, 1 if one failed."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    group = job["nodes"]
    die_with_parent(parent)  # torchrun, asked by SIGTERM to end, may wait for other machines' agents for minutes
    torchrun: Any = import_module("torch.distributed.run")
    errors: Any = import_module("torch.distributed.elastic.multiprocessing.errors")
    arguments = [
        *_meeting(group, node),
        f"--nproc-per-node={job['processes'] // group['count']}",
        f"--log-dir={job_file.parent / 'logs' / str(node)}",
        "--redirects=3",
        "--tee=3",
        "--module",
        "pipeline_dsl.ml.rank",
        str(job_file),
    ]
    try:
        torchrun.run(torchrun.parse_args(arguments))
    except errors.ChildFailedError as error:
        write_whole(job_file.with_name(f"exits-{node}.json"), {str(rank): failure.exitcode for rank, failure in error.failures.items()})
        return 1
    return 0


def _meeting(group: dict[str, Any], node: int) -> list[str]:
    """How the machines of a job find each other. Static: each knows its number, and torchrun compares no host names."""
    if group["count"] == 1:
        return ["--standalone", "--local-addr=127.0.0.1"]  # a free port on the loopback
    address = [f"--master-addr={group['host']}", f"--master-port={group['port']}"]
    return [f"--nnodes={group['count']}", f"--node-rank={node}", "--rdzv-backend=static", *address]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
