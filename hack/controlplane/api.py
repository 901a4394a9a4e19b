"""The few raw requests that the control plane itself makes to its API server, as administrator.

For readiness and for waiting only; everything else goes through kubectl or a real client.
"""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUEST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is the HTTP code, 0 when nobody answered; `body` is {} unless it is an object."""

    status: int
    body: dict[str, Any]

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


def request(
    server: str, path: str, data: Path, method: str = "GET", *, body: object = None
) -> Answer:
    """One request as administrator of the plane in `data`; HTTP errors are answers, too."""
    certificate = data / "pki" / "apiserver.crt"
    if not certificate.exists():
        return Answer(0, {})
    token = (data / "pki" / "token").read_text(encoding="ascii")
    asked = urllib.request.Request(
        f"{server}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        tls = ssl.create_default_context(cafile=str(certificate))
        # No proxy: the server is on loopback, whatever the environment says.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )
        with opener.open(asked, timeout=REQUEST_SECONDS) as response:
            return Answer(response.status, _object(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _object(error.read()))
    # OSError covers refused, reset and TLS errors, also of a certificate that is half written.
    except OSError:
        return Answer(0, {})


def answers(address: str) -> bool:
    """Whether a plain GET of `address` is answered with 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=REQUEST_SECONDS) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
