"""What the command line says, as one value."""

from dataclasses import dataclass

from goaround.delivery.control import TokenFile
from goaround.runtime.config import Config


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    config: Config
    kubeconfig: str | None = None
    host: str = "0.0.0.0"
    port: int = 8080
    namespace: str | None = None
    flag_replicas: tuple[str, ...] = ()
    control_token: TokenFile | None = None
    identity: str = ""
    own_namespace: str = "default"
    lease: bool = False
