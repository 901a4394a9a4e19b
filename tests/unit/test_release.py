"""What makes a release, checked as far as it can be without a container engine and a registry.

The wheel is really built and started; image and workflows are only read. Nothing here has been
built or released: `docs/install.md` says so.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from goaround import __version__
from goaround.api.base import Json
from hack import schemas
from tests.examples import MANIFESTS, documents

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "hack" / "image"
WORKFLOWS = tuple(sorted((ROOT / ".github" / "workflows").glob("*.yaml")))
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
PIN = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def steps(path: Path) -> Iterator[Json]:
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        yield from job["steps"]


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile with its words, continued lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in
            (line.partition(" ") for line in joined.splitlines() if line)]  # fmt: skip


def stage(name: str) -> list[tuple[str, str]]:
    found = instructions()
    begin = next(i for i, (w, rest) in enumerate(found) if w == "FROM" and rest.endswith(name))
    end = next((i for i, (w, _) in enumerate(found) if w == "FROM" and i > begin), len(found))
    return found[begin:end]


def test_the_image_is_made_of_bases_that_are_given_by_digest_and_none_by_tag() -> None:
    bases = [rest for word, rest in instructions() if word == "FROM"]
    assert bases == ["${BUILD_IMAGE} AS build", "${RUN_IMAGE} AS run"]
    assert [rest for word, rest in instructions() if word == "ARG"] == ["BUILD_IMAGE", "RUN_IMAGE"]
    assert ":latest" not in DOCKERFILE
    release = (ROOT / ".github/workflows/release.yaml").read_text()
    assert r"@sha256:[0-9a-f]{64}$" in release


def test_the_image_runs_as_a_user_with_a_number_that_is_not_root() -> None:
    assert [rest for word, rest in stage("run") if word == "USER"] == ["65532:65532"]


def test_the_last_stage_runs_no_command_and_needs_no_shell() -> None:
    words = {word for word, _ in stage("run")}
    assert words == {"FROM", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert all(rest.startswith("[") for word, rest in stage("run") if word in ("ENTRYPOINT", "CMD"))


def test_nothing_is_fetched_but_wheels_with_a_known_hash() -> None:
    assert not {"ADD"} & {word for word, _ in instructions()}
    runs = " && ".join(rest for word, rest in instructions() if word == "RUN").split("&&")
    assert not [run for run in runs if re.search(r"\b(curl|wget|git|apt-get)\b|://", run)]
    installs = [run for run in runs if "pip install" in run]
    assert len(installs) == 3
    assert all("--require-hashes" in run or "--no-index" in run for run in installs)


def packages(path: Path) -> dict[str, str]:
    """Every locked package with its hashes, by `name==version`."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"))[1:]
    return {re.split(r"[ ;\\]", entry)[0]: "".join(sorted(re.findall(r"sha256:\w+", entry)))
            for entry in entries}  # fmt: skip


def test_the_image_gets_what_is_locked_without_tools_for_developers() -> None:
    ours, whole = packages(IMAGE / "requirements.lock"), packages(ROOT / "requirements.lock")
    assert ours.items() <= whole.items()
    names = {name.partition("==")[0] for name in ours}
    assert {"kopf", "kubernetes", "grpcio", "pydantic"} <= names
    assert not {"pytest", "mypy", "ruff", "hypothesis", "uv"} & names


def test_nothing_but_what_the_image_is_made_of_enters_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {word for w, rest in stage("build") if w == "COPY" for word in rest.split()[:-1]}
    assert copied - {"operator"} == let_in - {"operator/goaround"}
    assert all((ROOT / path).exists() for path in let_in)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("wheel"))
    build = [sys.executable, "-c", "import sys, uv_build; uv_build.build_wheel(sys.argv[1])"]
    # the backend looks for its program there
    env = {"PATH": sysconfig.get_path("scripts")}
    subprocess.run([*build, str(folder)], cwd=ROOT, env=env, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    assert wheel.name == f"goaround-{__version__}-py3-none-any.whl"
    source = ROOT / "operator"
    kept = {str(path.relative_to(source)) for path in (source / "goaround").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    with ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if not name.endswith("/")}
    assert {name for name in names if ".dist-info/" not in name} == kept


def test_the_wheel_starts_where_the_repository_is_not(wheel: Path, tmp_path: Path) -> None:
    """As in the image: unpacked into a folder beside its dependencies, on PYTHONPATH."""
    with ZipFile(wheel) as opened:
        opened.extractall(tmp_path)
    path = f"{tmp_path}:{sysconfig.get_path('purelib')}"
    # -S: no site, hence no editable install of the repository
    start = [sys.executable, "-S", "-m", "goaround", "--help"]
    env = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(start, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: goaround")
    assert str(ROOT) not in done.stderr


def test_there_is_a_workflow_for_changes_and_one_for_releases() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release"]


@each_workflow
def test_every_action_is_pinned_by_its_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert PIN.match(action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@each_workflow
def test_a_workflow_may_read_only_and_a_job_asks_for_more_by_name(path: Path) -> None:
    body = yaml.safe_load(path.read_text())
    assert body["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in path.read_text()
    for job in body["jobs"].values():
        assert "timeout-minutes" in job
        assert "write-all" not in str(job.get("permissions"))


@each_workflow
def test_a_checkout_leaves_no_credential_behind(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_no_script_is_put_together_from_what_others_wrote(path: Path) -> None:
    assert not [step for step in steps(path) if "${{" in step.get("run", "")]


def test_changes_never_hold_rights_of_a_release() -> None:
    body = yaml.safe_load(WORKFLOWS[0].read_text())
    assert "permissions" not in str(body["jobs"])
    assert "secrets." not in WORKFLOWS[0].read_text()


def test_image_and_chart_are_signed_by_digest_and_have_provenance() -> None:
    body = yaml.safe_load(WORKFLOWS[1].read_text())
    for name in ("image", "chart"):
        job = body["jobs"][name]
        runs = " ".join(step.get("run", "") for step in job["steps"])
        assert re.search(r'cosign sign --yes .*"\$REGISTRY/\S+@\$\w+"', runs)
        assert any("attest-build-provenance@" in step.get("uses", "") for step in job["steps"])
        assert job["permissions"]["id-token"] == "write"
    image = " ".join(step.get("run", "") for step in body["jobs"]["image"]["steps"])
    assert "--sbom=true" in image
    assert "linux/amd64,linux/arm64" in image


def test_an_auditor_of_workflows_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    told = subprocess.run([zizmor, "--offline", "--no-progress", ".github"], cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert told.returncode == 0, told.stdout


def test_dependencies_are_renewed_by_a_tool_and_every_folder_it_looks_at_exists() -> None:
    body = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    folders = [folder for update in body["updates"]
               for folder in update.get("directories", [update.get("directory")])]  # fmt: skip
    assert {update["package-ecosystem"] for update in body["updates"]} == {
        *("github-actions", "pip", "gomod")
    }
    assert all(list(ROOT.glob(folder.strip("/") or "Makefile")) for folder in folders)


def test_the_schemas_of_a_release_name_every_kind_and_take_every_example(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    assert schemas.main([str(tmp_path)]) == 0
    made = schemas.closed_schemas()
    assert len(list(tmp_path.glob("*_v1alpha1.json"))) == len(made) == 4
    for path in MANIFESTS:
        for body in documents(path):
            if body["kind"] in made:
                jsonschema.Draft7Validator(made[body["kind"]]).validate(body)
    bad = {"apiVersion": "goaround.dev/v1alpha1", "kind": "AIKillSwitch", "spec": {"reasn": "x"}}
    assert not jsonschema.Draft7Validator(made["AIKillSwitch"]).is_valid(bad)
