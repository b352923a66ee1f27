"""What is rendered for Slurm, without a cluster: run by bash, with an `srun` that notes its words."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import ROOT, demo, pdsl, run

IMAGE = "registry.example/pdsl@sha256:" + "a" * 64

NOTING = """#!{python}
import json, os, sys
with open(os.environ["NOTED"], "w") as file:
    json.dump({{"argv": sys.argv[1:], "environment": dict(os.environ)}}, file)
"""

ACCELERATED = """
from pipeline_dsl import *
from pipelines import llama_7b
import attrs

pipeline = attrs.evolve(llama_7b.pipeline, launchers=[Slurm({settings})])
"""

STEPS = "from pipeline_dsl import *\nfrom tests.runner.stages import Step\n"

SWEEP = (
    STEPS
    + """
root = Step(label="root")
first = [Step(label=f"first {{number}}", reads=(root,)) for number in range(5)]
second = [Step(label=f"second {{number}}", reads=(one, root)) for number, one in enumerate(first)]
twice = [Step(label=f"{{word}} {{number}}", reads=(one,)) for number, one in enumerate(second) for word in ("this", "that")]
odd = Step(label="odd", reads=(first[0], second[1]))
pipeline = Pipeline(name="sweep", targets=[Step(label="join", reads=(*twice, odd))], launchers=[Slurm(arrays=True, at_once={at_once})])
"""
)


def compiled(folder: Path, text: str) -> Path:
    """The scripts of a pipeline; all of them are what bash and shellcheck take."""
    (folder / "ours.py").write_text(text)
    ended = pdsl("compile", "ours.py", "--backend", "slurm", cwd=folder, PYTHONPATH=str(ROOT))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (scripts,) = (folder / "generated").glob("*/slurm")
    checked = run([Path(sys.executable).with_name("shellcheck"), *sorted(scripts.glob("*.sh"))], cwd=folder)
    assert checked.stdout == ""
    return scripts


def noted(script: Path, folder: Path, **environment: Any) -> dict[str, Any]:
    """The words that a script gives `srun`, and the environment."""
    (folder / "bin").mkdir(exist_ok=True)
    for name in ("srun", "scontrol"):
        program = folder / "bin" / name
        program.write_text(NOTING.format(python=sys.executable) if name == "srun" else "#!/bin/sh\necho node1\n")
        program.chmod(0o755)
    (folder / "jobs" / "logs").mkdir(parents=True, exist_ok=True)
    ended = run(
        ["bash", script],
        cwd=folder,
        PATH=f"{folder / 'bin'}:{os.environ['PATH']}",
        NOTED=str(folder / "noted.json"),
        PDSL_PROJECT=str(folder),
        PDSL_STORE=str(folder / "store"),
        PDSL_JOBS=str(folder / "jobs"),
        PDSL_PLAN=str(script.with_name("plan.json")),
        SLURM_JOB_ID="7",
        SLURM_JOB_NODELIST="node[1-8]",
        **environment,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads((folder / "noted.json").read_text())


def words(found: dict[str, Any]) -> list[str]:
    """The words that `srun` was given."""
    return found["argv"]


def directives(script: Path) -> list[str]:
    return re.findall(r"^#SBATCH (.*)$", script.read_text(), re.MULTILINE)


def test_pyxis_is_told_the_image_what_to_mount_and_which_variables_are_ours(tmp_path: Path) -> None:
    settings = (
        f"container='pyxis', image={IMAGE!r}, mounts=('/data:/data', \"/it's here:/here\"), "
        "variables=('HF_TOKEN',), settings={'NCCL_DEBUG': 'WARN'}"
    )
    scripts = compiled(tmp_path, ACCELERATED.format(settings=settings))
    found = words(noted(next(scripts.glob("*_pretrain.sh")), tmp_path))

    own = ",".join(f"{path}:{path}" for path in (tmp_path, tmp_path / "store", tmp_path / "jobs"))
    assert found[: found.index("pdsl")] == [
        "--kill-on-bad-exit=0",
        "--export=ALL",
        f"--container-image={IMAGE}",
        f"--container-mounts={own},/data:/data,/it's here:/here",
        f"--container-workdir={tmp_path}",
        "--container-env=PDSL_AUTHOR,PDSL_STOP,PDSL_STORE,PDSL_NODES,PDSL_NODE,PDSL_RENDEZVOUS,PDSL_ATTEMPT,SRUN_CPUS_PER_TASK,NCCL_DEBUG,HF_TOKEN",
    ]
    assert found[found.index("pdsl") + 1 :][:2] == ["stage", "run"]


def test_apptainer_runs_an_image_file_with_the_gpus_where_there_are_any(tmp_path: Path) -> None:
    scripts = compiled(tmp_path, ACCELERATED.format(settings="container='apptainer', image='/images/ours 1.sif'"))
    trains = words(noted(next(scripts.glob("*_pretrain.sh")), tmp_path))
    tokenizes = words(noted(next(scripts.glob("*_train_tokenizer.sh")), tmp_path))

    start = trains.index("apptainer")
    assert trains[start : start + 3] == ["apptainer", "exec", "--nv"]
    assert trains[start + 4 : start + 6] == [f"--pwd={tmp_path}", "/images/ours 1.sif"]
    assert "--nv" not in tokenizes


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("container='pyxis', image='ours:latest'", "can change under its name"),
        ("image='/images/ours.sif'", "go together"),
        ("container='pyxis', image='/ours.sqsh', mounts=('/a,b:/c',)", "has a comma"),
        ("job=SlurmJob(memory='1G', memory_per_cpu='1G')", "asks for memory by mem and mem-per-cpu"),
        ("job=SlurmJob(partition='a b')", "cannot stand in a scheduler's directive"),
        ("setup=('a\\nb',)", "line"),
        ("settings={'A-B': ''}", "no name of a variable"),
    ],
)
def test_settings_that_cannot_be_rendered_as_they_are_meant_are_refused(tmp_path: Path, settings: str, reason: str) -> None:
    (tmp_path / "ours.py").write_text(ACCELERATED.format(settings=settings))
    ended = pdsl("compile", "ours.py", "--backend", "slurm", cwd=tmp_path, PYTHONPATH=str(ROOT))

    assert ended.returncode not in (0, 70)
    assert reason in ended.stderr


def test_a_stage_asks_for_its_nodes_gpus_and_what_the_narrowest_setting_says(tmp_path: Path) -> None:
    settings = (
        "job=SlurmJob(account='llm', partition='cpu', time='90', memory='16G'), "
        "gpu=SlurmJob(partition='h100', gpu_type='h100', exclusive=True, memory_per_gpu='180G'), "
        "stages={llama_7b.base: SlurmJob(time='14-00:00:00', qos='long', requeue=False, arguments=('--segment=8',))}"
    )
    scripts = compiled(tmp_path, ACCELERATED.format(settings=settings))
    trains, tokenizes = directives(next(scripts.glob("*_pretrain.sh"))), directives(next(scripts.glob("*_train_tokenizer.sh")))

    assert {"--partition=h100", "--account=llm", "--qos=long", "--time=14-00:00:00", "--gpus-per-node=h100:8", "--exclusive"} < set(trains)
    assert {"--no-requeue", "--segment=8", "--ntasks-per-node=1"} < set(trains)
    assert {"--partition=cpu", "--time=90", "--requeue", "--nodes=1"} < set(tokenizes)
    assert not any("gpu" in line for line in tokenizes)
    assert [[line for line in asked if line.startswith("--mem")] for asked in (trains, tokenizes)] == [
        ["--mem-per-gpu=180G"],
        ["--mem=16G"],
    ]


def test_settings_reach_the_stage_and_another_jobs_do_not(tmp_path: Path) -> None:
    scripts = compiled(tmp_path, ACCELERATED.format(settings="settings={'NCCL_SOCKET_IFNAME': 'ib0', 'ODD': \"$(id)\\n'{{ x }}'\\r\"}"))
    found = noted(next(scripts.glob("*_pretrain.sh")), tmp_path, SLURM_CPU_BIND="quiet,mask_cpu:0x1", SLURM_MEM_PER_NODE="5")["environment"]

    assert (found["NCCL_SOCKET_IFNAME"], found["ODD"]) == ("ib0", "$(id)\n'{{ x }}'\r")
    assert "SLURM_CPU_BIND" not in found
    assert "SLURM_MEM_PER_NODE" not in found
    assert re.fullmatch(r"node1:2\d{4}", found["PDSL_RENDEZVOUS"])


def test_the_deepspeed_settings_of_each_stage_that_trains_on_it_can_be_read(tmp_path: Path) -> None:
    pipeline = demo(tmp_path)
    assert pdsl("compile", pipeline, "--backend", "slurm", cwd=tmp_path).returncode == 0
    found = {path.name.partition("_")[2].partition(".")[0]: json.loads(path.read_text()) for path in tmp_path.rglob("*.deepspeed.json")}

    assert set(found) == {"pretrain", "fit_scaling_law"}
    told = found["pretrain"]
    assert (told["zero_optimization"]["stage"], told["train_micro_batch_size_per_gpu"], told["gradient_accumulation_steps"]) == (0, 4, 1)


def test_stages_that_are_alike_are_arrays_whose_elements_meet_by_index(tmp_path: Path) -> None:
    scripts = compiled(tmp_path, SWEEP.format(at_once=3))
    shown = run(["bash", scripts / "submit.sh", "--dry-run"], cwd=tmp_path)
    lines = shown.stdout.splitlines()
    arrays = {line.split("/")[-1].strip(): re.findall(r"--(?:array|dependency)=(\S+)", line) for line in lines if "--array" in line}

    assert [len(found) for found in arrays.values()] == [2, 2, 2, 2]
    assert all(found[0] == "0\\,1\\,2\\,3\\,4%3" for found in arrays.values())
    waits = [found[1].replace("\\", "") for found in arrays.values()]
    assert [re.sub(r"<\w+(?:\.array)?>", "X", wait) for wait in waits] == [
        "afterok:X",
        "afterok:X,aftercorr:X",
        "aftercorr:X",
        "aftercorr:X",
    ]
    assert sum("--array" not in line for line in lines) == 4  # root, odd, join, gate


SBATCH = """#!/usr/bin/env bash
for word in "$@"; do
    case $word in --export-file=*) cat -- "${word#*=}" >> "$NOTED" ;; esac
done
echo 7
"""


@pytest.mark.parametrize(
    ("said", "known"), [("Ada Lovelace <ada@example.org>", "Ada Lovelace <ada@example.org>"), ("", "grace@example.org")]
)
def test_every_job_is_told_who_submitted_it(tmp_path: Path, said: str, known: str) -> None:
    """Also where only git says so: a node, or an image, may have no git, or another's."""
    (tmp_path / "ours.py").write_text(f"{STEPS}pipeline = Pipeline(name='p', targets=[Step(label='a')], launchers=[Slurm()])\n")
    (tmp_path / ".gitconfig").write_text("[user]\n    email = grace@example.org\n")
    (tmp_path / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("squeue", "#!/bin/sh\n"), ("scontrol", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    path, noted = f"{tmp_path / 'bin'}:{os.environ['PATH']}", tmp_path / "noted"
    words = ["submit", "ours.py", "--backend", "slurm"]
    ended = pdsl(*words, cwd=tmp_path, PATH=path, NOTED=str(noted), HOME=str(tmp_path), PDSL_AUTHOR=said)
    assert ended.returncode == 0, ended.stderr
    told = [pair.partition("=")[2] for pair in noted.read_text().split("\0") if pair.startswith("PDSL_AUTHOR=")]

    assert told == [known] * 2  # the stage and the gate


def test_what_is_done_of_a_sweep_gets_no_element(tmp_path: Path) -> None:
    scripts = compiled(tmp_path, SWEEP.format(at_once=None))
    shown = run(["bash", scripts / "submit.sh", "--dry-run", "--done", "01_step", "--done", "02_step", "--done", "04_step"], cwd=tmp_path)
    first, *_ = [line for line in shown.stdout.splitlines() if "02_step.array" in line]

    assert "--array=1\\,3\\,4 " in first
    assert "--hold" in first


def test_the_script_of_an_array_runs_the_stage_of_its_index(tmp_path: Path) -> None:
    scripts = compiled(tmp_path, SWEEP.format(at_once=None))
    found = words(noted(scripts / "02_step.array.sh", tmp_path, SLURM_ARRAY_JOB_ID="5", SLURM_ARRAY_TASK_ID="3"))

    assert found[found.index("run") + 1] == "05_step"
    assert (tmp_path / "jobs" / "logs" / "05_step-5_3.log").is_symlink()


@pytest.mark.parametrize("name", ["gate", "release", "submit"])
def test_a_stage_with_the_name_of_a_file_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "ours.py").write_text(f"{STEPS}pipeline = Pipeline(name='p', targets=[Step(name='{name}', label='a')])\n")
    ended = pdsl("compile", "ours.py", "--backend", "slurm", cwd=tmp_path, PYTHONPATH=str(ROOT))

    assert ended.returncode not in (0, 70)
    assert f"a stage is called `{name}`" in ended.stderr


def test_a_pipeline_without_gates_releases_nothing(tmp_path: Path) -> None:
    launcher = "Slurm(release=('pdsl export',))"
    scripts = compiled(tmp_path, f"{STEPS}pipeline = Pipeline(name='p', targets=[Step(label='a')], launchers=[{launcher}])\n")

    assert not (scripts / "release.sh").exists()
    assert "release " not in run(["bash", scripts / "submit.sh", "--dry-run"], cwd=tmp_path).stdout


ACTIVATED = """
from pipeline_dsl import Corpus, Pipeline, Slurm, Stage, Workspace


class Step(Stage[Corpus]):
    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


setup = ("source ./activate", 'export SAID="$FROM_SETUP"')
pipeline = Pipeline(name="p", targets=[Step()], launchers=[Slurm(setup=setup, settings={"QUOTED": "it's $(HOME)"})])
"""


def test_what_setup_sources_may_read_variables_that_are_not_set(tmp_path: Path) -> None:
    """As conda's activation scripts do: https://github.com/conda/conda/issues/8186."""
    (tmp_path / "activate").write_text('export FROM_SETUP="${PS1_OF_NOBODY}ready"\nOLD=$NEVER_SET\n')
    seen = noted(compiled(tmp_path, ACTIVATED) / "01_step.sh", tmp_path)

    assert seen["environment"]["SAID"] == "ready"
    assert seen["environment"]["QUOTED"] == "it's $(HOME)"
