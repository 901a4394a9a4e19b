"""Keys, certificates and kubeconfigs of a throw-away control plane.

The API server signs its own serving certificate; this module makes the rest: the administrator's
token, the key that signs service-account tokens, and a CA for client certificates. Other users get
a client certificate and not impersonation, because Python clients ignore `as:` in a kubeconfig and
would then act as the administrator, so that a test of roles would pass for the wrong reason.
"""

import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ADMIN = "admin"
DAYS = "2"

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# SEC 1 ECPrivateKey over P-256 without the optional public key: what stands before and after it.
_SEC1_HEAD = bytes.fromhex("30310201010420")
_SEC1_TAIL = bytes.fromhex("a00a06082a8648ce3d030107")


def write_identities(pki: Path) -> None:
    """Fill the folder `pki` with all that the API server reads at its start."""
    pki.mkdir(mode=0o700)
    token = secrets.token_urlsafe(32)
    (pki / "token").write_text(token, encoding="ascii")
    line = f'{token},{ADMIN},{ADMIN},"system:masters"\n'
    (pki / "tokens.csv").write_text(line, encoding="ascii")
    (pki / "service-accounts.key").write_text(_private_key(), encoding="ascii")
    # Without openssl the plane still works, only `user_kubeconfig` does not.
    if shutil.which("openssl"):
        _make_authority(pki)


def admin_kubeconfig(data: Path, server: str) -> Path:
    """Write the administrator's kubeconfig; needs the API server's certificate to be there."""
    token = (data / "pki" / "token").read_text(encoding="ascii")
    return _write_kubeconfig(data / "kubeconfig", data, server, {"token": token})


def user_kubeconfig(data: Path, server: str, user: str, groups: Sequence[str]) -> Path:
    """Write the kubeconfig of another identity, proved by a client certificate.

    Raises `RuntimeError` when there is no openssl.
    """
    pki = data / "pki"
    if not (pki / "ca.crt").exists():
        raise RuntimeError("kubeconfigs of other users need `openssl` on PATH")
    name = f"user-{secrets.token_hex(4)}"
    key, request, certificate = (pki / f"{name}.{end}" for end in ("key", "csr", "crt"))
    subject = "".join(f"/O={_escape(group)}" for group in groups) + f"/CN={_escape(user)}"
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    _openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
    _openssl(
        *("x509", "-req", "-in", request, "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key"),
        *("-set_serial", str(secrets.randbits(63)), "-days", DAYS, "-out", certificate),
    )
    credentials = {
        "client-certificate-data": _encoded(certificate),
        "client-key-data": _encoded(key),
    }
    return _write_kubeconfig(data / f"{name}.kubeconfig", data, server, credentials)


def _make_authority(pki: Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pki / "ca.key")
    _openssl(
        *("req", "-x509", "-new", "-key", pki / "ca.key", "-subj", "/CN=goaround-clients"),
        *("-days", DAYS, "-out", pki / "ca.crt"),
    )


def _openssl(*args: str | Path) -> None:
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {args[0]} failed: {done.stderr.strip()}")


def _escape(name: str) -> str:
    return name.replace("\\", "\\\\").replace("/", "\\/")


def _private_key() -> str:
    scalar = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    body = base64.b64encode(_SEC1_HEAD + scalar + _SEC1_TAIL).decode("ascii")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN EC PRIVATE KEY-----", *lines, "-----END EC PRIVATE KEY-----", ""])


def _write_kubeconfig(path: Path, data: Path, server: str, user: Mapping[str, str]) -> Path:
    cluster = {
        "server": server,
        "certificate-authority-data": _encoded(data / "pki" / "apiserver.crt"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "goaround", "cluster": cluster}],
        "users": [{"name": "goaround", "user": dict(user)}],
        "contexts": [
            {"name": "goaround", "context": {"cluster": "goaround", "user": "goaround"}},
        ],
        "current-context": "goaround",
    }
    # JSON is YAML, and every client reads it.
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
