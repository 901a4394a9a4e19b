"""`hack/test-kind` where there is no kind: it says why it proves nothing, and harms no cluster.

The programs it calls are stand-ins that write down what they were asked; no cluster is made.
"""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "hack" / "test-kind"


def run(programs: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """With these programs, and the few of the system that a shell needs."""
    for name in ("bash", "dirname", "mktemp", "rm"):
        found = next(p for p in ("/bin", "/usr/bin") if os.access(f"{p}/{name}", os.X_OK))
        (programs / name).symlink_to(f"{found}/{name}")
    env = {"PATH": str(programs), **more}
    return subprocess.run([str(programs / "bash"), str(SCRIPT)], env=env, capture_output=True,
                          text=True, check=False)  # fmt: skip


def program(folder: Path, name: str, code: int) -> Path:
    """A program that writes down its arguments and leaves with this code."""
    log = folder / f"{name}.log"
    (folder / name).write_text(f'#!{folder}/bash\necho "$@" >> {log}\nexit {code}\n')
    (folder / name).chmod(0o755)
    return log


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_without_kind_it_says_so_and_under_ci_that_is_a_failure(
    tmp_path: Path, ci: str, code: int
) -> None:
    done = run(tmp_path, CI=ci)
    assert done.stdout == "test-kind skipped: kind is not installed\n"
    assert done.returncode == code


def test_without_a_container_engine_it_says_so(tmp_path: Path) -> None:
    asked = program(tmp_path, "kind", 0)
    program(tmp_path, "docker", 1)
    done = run(tmp_path)
    assert "no container engine answers" in done.stdout
    assert not asked.exists()


def test_it_deletes_only_the_cluster_that_it_made(tmp_path: Path) -> None:
    asked = program(tmp_path, "kind", 1)
    program(tmp_path, "docker", 0)
    assert run(tmp_path).returncode == 1
    create, delete = (line.split() for line in asked.read_text().splitlines())
    name = create[create.index("--name") + 1]
    assert name.startswith("goaround-test-")
    assert delete[:4] == ["delete", "cluster", "--name", name]
