"""The process between a stage and its ranks: torchrun, which also reports what became of each rank.

`python -m pipeline_dsl.ml.agent JOB` does what `torchrun` does on the command line, and writes the exit codes of the
ranks that failed to `exits.json` beside the job.
"""

import json
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline_dsl.ml.rank import die_with_parent, write_whole


def main(job_file: Path) -> int:
    """Run the job's ranks to their end; 0 if all of them succeeded, 1 if one failed."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    die_with_parent(job["parent"], signal.SIGTERM)
    torchrun: Any = import_module("torch.distributed.run")
    errors: Any = import_module("torch.distributed.elastic.multiprocessing.errors")
    arguments = [
        "--standalone",  # a free port on the loopback
        "--local-addr=127.0.0.1",
        f"--nproc-per-node={job['processes']}",
        f"--log-dir={job_file.parent / 'logs'}",
        "--redirects=3",
        "--tee=3",
        "--module",
        "pipeline_dsl.ml.rank",
        str(job_file),
    ]
    try:
        torchrun.run(torchrun.parse_args(arguments))
    except errors.ChildFailedError as error:
        write_whole(job_file.with_name("exits.json"), {str(rank): failure.exitcode for rank, failure in error.failures.items()})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
