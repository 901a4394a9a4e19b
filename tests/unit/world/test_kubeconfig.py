"""A kubeconfig is read as kubectl reads it: which cluster, as whom, in which namespace."""

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goaround.world.credentials import CredentialsError
from goaround.world.kubeconfig import Choice, access

Json = dict[str, Any]


def written(path: Path, **more: Any) -> Path:
    """A kubeconfig with one of everything, changed by `more`."""
    body: Json = {
        "current-context": "here",
        "contexts": [context("here", "one", "ana", namespace="shop")],
        "clusters": [{"name": "one", "cluster": {"server": "https://one.example:6443/"}}],
        "users": [{"name": "ana", "user": {"token": "t0"}}],
    }
    path.write_text(json.dumps(body | more))
    return path


def context(name: str, cluster: str, user: str, **more: str) -> Json:
    return {"name": name, "context": {"cluster": cluster, "user": user} | more}


def user(path: Path, **entry: Any) -> Path:
    return written(path, users=[{"name": "ana", "user": entry}])


def headers(path: Path, **choice: Any) -> Mapping[str, str]:
    return access(Choice(str(path), **choice), {}).credentials.headers


def test_the_current_context_says_where_and_as_whom(tmp_path: Path) -> None:
    found = access(Choice(str(written(tmp_path / "k"))), {})
    assert (found.server.url, found.namespace) == ("https://one.example:6443", "shop")
    assert found.credentials.headers == {"Authorization": "Bearer t0"}


def test_the_command_line_wins_over_the_context(tmp_path: Path) -> None:
    other = [context("here", "one", "ana"), context("there", "one", "ana", namespace="b")]
    path = str(written(tmp_path / "k", contexts=other))
    assert access(Choice(path), {}).namespace == "default"
    assert access(Choice(path, context="there"), {}).namespace == "b"
    assert access(Choice(path, namespace="c"), {}).namespace == "c"


def test_of_several_files_the_first_that_names_something_wins(tmp_path: Path) -> None:
    first = written(tmp_path / "a", users=[])
    written(tmp_path / "b", **{"current-context": "other"})
    listed = f"{tmp_path / 'gone'}:{first}:{tmp_path / 'b'}"
    found = access(Choice(), {"KUBECONFIG": listed})
    assert found.credentials.headers == {"Authorization": "Bearer t0"}
    assert found.origin.startswith("context here of")


def test_files_are_named_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    (tmp_path / "tok").write_text("from-file\n")
    cluster = {"server": "https://x", "certificate-authority": "ca.pem"}
    path = user(tmp_path / "k", tokenFile="tok")
    body = json.loads(path.read_text()) | {"clusters": [{"name": "one", "cluster": cluster}]}
    path.write_text(json.dumps(body))
    found = access(Choice(str(path)), {})
    assert found.server.authority == b"PEM"
    assert found.credentials.headers == {"Authorization": "Bearer from-file"}


def test_what_a_cluster_entry_says_of_tls_and_proxies_is_kept(tmp_path: Path) -> None:
    cluster = {
        "server": "https://10.0.0.1",
        "certificate-authority-data": base64.b64encode(b"CA").decode(),
        "tls-server-name": "kubernetes",
        "insecure-skip-tls-verify": True,
        "proxy-url": "http://proxy:3128",
    }
    path = written(tmp_path / "k", clusters=[{"name": "one", "cluster": cluster}])
    server = access(Choice(str(path)), {}).server
    assert (server.authority, server.name) == (b"CA", "kubernetes")
    assert (server.insecure, server.proxy) == (True, "http://proxy:3128")


def test_a_certificate_and_its_key_are_taken_from_data(tmp_path: Path) -> None:
    pair = {
        "client-certificate-data": base64.b64encode(b"crt").decode(),
        "client-key-data": base64.b64encode(b"key").decode(),
    }
    found = access(Choice(str(user(tmp_path / "k", **pair))), {}).credentials
    assert (found.certificate, found.key) == (b"crt", b"key")
    assert "crt" not in repr(found)


def test_a_password_is_sent_as_basic(tmp_path: Path) -> None:
    found = headers(user(tmp_path / "k", username="ana", password="pw"))
    assert found == {"Authorization": f"Basic {base64.b64encode(b'ana:pw').decode()}"}


def test_somebody_else_is_impersonated_with_groups(tmp_path: Path) -> None:
    path = user(tmp_path / "k", **{"token": "t", "as": "bob", "as-groups": ["a", "b"]})
    found = access(Choice(str(path)), {}).credentials
    assert found.headers["Impersonate-User"] == "bob"
    assert found.header_lines()[-2:] == [("Impersonate-Group", "a"), ("Impersonate-Group", "b")]
    said = access(Choice(str(path), acting_as="eve", acting_groups=("c",)), {}).credentials
    assert (said.headers["Impersonate-User"], said.groups) == ("eve", ("c",))


def test_groups_without_a_user_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="--as-group needs --as"):
        headers(written(tmp_path / "k"), acting_groups=("c",))


def plugin(path: Path, code: str, **more: Any) -> Path:
    entry = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-S", "-c", code],
        "interactiveMode": "Never",
    }
    return user(path, exec=entry | more)


GIVES = "import json,os;i=json.loads(os.environ['KUBERNETES_EXEC_INFO'])"


def test_a_credential_plugin_is_asked_with_its_own_environment(tmp_path: Path) -> None:
    code = f"{GIVES};print(json.dumps({{'status':{{'token':os.environ['MINE']+i['kind']}}}}))"
    path = plugin(tmp_path / "k", code, env=[{"name": "MINE", "value": "a-"}])
    assert headers(path) == {"Authorization": "Bearer a-ExecCredential"}


def test_a_credential_plugin_that_asks_for_the_cluster_is_told(tmp_path: Path) -> None:
    told = "i['spec']['cluster']['server']"
    code = f"{GIVES};print(json.dumps({{'status':{{'token':{told}}}}}))"
    path = plugin(tmp_path / "k", code, provideClusterInfo=True)
    assert headers(path) == {"Authorization": "Bearer https://one.example:6443/"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit(3)", "failed with 3"),
        ("print('hello')", "something else than an ExecCredential"),
        ("print('{\"status\": {}}')", "gave no credential"),
    ],
)
def test_a_credential_plugin_that_fails_is_told(tmp_path: Path, code: str, says: str) -> None:
    with pytest.raises(CredentialsError, match=says):
        headers(plugin(tmp_path / "k", code))


def test_a_credential_plugin_that_is_missing_is_told_with_its_hint(tmp_path: Path) -> None:
    path = plugin(tmp_path / "k", "", command="no-such-plugin", installHint="get it from ops")
    with pytest.raises(CredentialsError, match="get it from ops"):
        headers(path)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"current-context": ""}, "give --context"),
        ({"current-context": "x"}, "has no context 'x': there is here"),
        ({"clusters": []}, "has no cluster 'one'"),
        ({"clusters": [{"name": "one", "cluster": {"server": "one"}}]}, "begins with https"),
        ({"users": [{"name": "ana", "user": {"auth-provider": {"name": "gcp"}}}]}, "gave up"),
        ({"users": [{"name": "ana", "user": {"tokenFile": "gone"}}]}, "cannot read tokenFile"),
        (
            {"users": [{"name": "ana", "user": {"client-key-data": "%%"}}]},
            "client-key-data of the kubeconfig is not base64",
        ),
    ],
)
def test_what_a_kubeconfig_lacks_is_told(tmp_path: Path, more: Json, says: str) -> None:
    with pytest.raises(CredentialsError, match=says):
        access(Choice(str(written(tmp_path / "k", **more))), {})


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot read"):
        access(Choice(str(tmp_path / "gone")), {})
    with pytest.raises(CredentialsError, match="no kubeconfig"):
        access(Choice(), {"KUBECONFIG": str(tmp_path / "gone")})


def test_text_that_is_no_map_is_told(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("- a: [")
    with pytest.raises(CredentialsError, match="not YAML"):
        access(Choice(str(tmp_path / "k")), {})


def test_a_pod_without_a_kubeconfig_uses_its_service_account(tmp_path: Path) -> None:
    for name, text in (("token", "pod"), ("namespace", "mine"), ("ca.crt", "CA")):
        (tmp_path / name).write_text(text)
    env = {
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBECONFIG": str(tmp_path / "gone"),
    }
    found = access(Choice(), env, tmp_path)
    assert (found.server.url, found.namespace) == ("https://[fd00::1]:443", "mine")
    assert found.credentials.headers == {"Authorization": "Bearer pod"}
    with pytest.raises(CredentialsError, match="no service account"):
        access(Choice(), env, tmp_path / "gone")
