"""The administrator's file: providers that tenants may name, and the operator's own settings.

Decides what is valid and says so in one sentence per fault; refuses to start on any.
"""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from goaround.runtime.channels import ChannelConfig, message_faults
from goaround.runtime.incident_config import IncidentsConfig
from goaround.runtime.strict import Strict
from goaround.world.prometheus import Labels, Provider


class ConfigError(Exception):
    """The administrator's file cannot be used; the message says where, what and what to do."""


LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=64)]


class ProviderLabels(Strict):
    """Which label names carry namespace, feature, variant and the bucket of users in this
    provider's metrics."""

    namespace: LabelName = "namespace"
    feature: LabelName = "ai_feature"
    variant: LabelName = "ai_variant"
    bucket: LabelName = "ai_bucket"


class ProviderConfig(Strict):
    """One metrics provider, by the name that tenants use."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)
    url: str = Field(min_length=1, max_length=2048)
    labels: ProviderLabels = ProviderLabels()
    scrape_seconds: float = Field(default=15, gt=0, le=300)
    lag_seconds: float = Field(default=10, ge=0, le=300)
    timeout_seconds: float = Field(default=5, gt=0, le=60)
    max_bytes: int = Field(default=1 << 20, ge=1024, le=64 << 20)

    def provider(self) -> Provider:
        labels = Labels(
            namespace=self.labels.namespace,
            feature=self.labels.feature,
            variant=self.labels.variant,
            bucket=self.labels.bucket,
        )
        return Provider(
            name=self.name,
            url=self.url,
            labels=labels,
            scrape_seconds=self.scrape_seconds,
            lag_seconds=self.lag_seconds,
            timeout_seconds=self.timeout_seconds,
            max_bytes=self.max_bytes,
        )


class EndpointConfig(Strict):
    """One endpoint that pre-flights may ask, by the name that tenants use."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)
    url: str = Field(pattern=r"^https?://[^/?#@\s]+([/?][^#\s]*)?$", max_length=2048)


class Config(Strict):
    """The whole file."""

    providers: list[ProviderConfig] = Field(default_factory=list, max_length=64)
    endpoints: list[EndpointConfig] = Field(default_factory=list, max_length=64)
    channels: list[ChannelConfig] = Field(default_factory=list, max_length=64)
    incidents: IncidentsConfig = IncidentsConfig()
    workers: int = Field(default=8, ge=1, le=64)
    resync_seconds: float = Field(default=600, ge=1, le=86400)
    checkpoint_seconds: float = Field(default=60, ge=1, le=3600)

    @property
    def urls(self) -> dict[str, str]:
        """Endpoints by name."""
        return {endpoint.name: endpoint.url for endpoint in self.endpoints}


def load(path: Path | None) -> Config:
    """The file at `path`, or the defaults. Raises ConfigError."""
    if path is None:
        return Config()
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path} is not UTF-8 text: {err.reason} at byte {err.start}") from err
    except yaml.YAMLError as err:
        raise ConfigError(f"{path} is not YAML: {err}") from err
    return parse(raw, source=str(path))


def parse(raw: Any, *, source: str) -> Config:
    """The file's content. Raises ConfigError, which names every fault."""
    try:
        config = Config.model_validate(raw or {})
        for provider in config.providers:
            provider.provider()
    except ValidationError as err:
        faults = "; ".join(f"{_where(e['loc'])}: {e['msg']}" for e in err.errors())
        raise ConfigError(f"{source}: {faults}") from err
    except ValueError as err:
        raise ConfigError(f"{source}: {err}") from err
    _require_names(source, "providers", [p.name for p in config.providers])
    _require_names(source, "endpoints", [e.name for e in config.endpoints])
    _require_names(source, "channels", [c.name for c in config.channels])
    for fault in message_faults(config.channels, config.incidents.templates):
        raise ConfigError(f"{source}: {fault}")
    return config


def _require_names(source: str, what: str, names: list[str]) -> None:
    if twice := {name for name in names if names.count(name) > 1}:
        told = ", ".join(sorted(twice))
        raise ConfigError(f"{source}: {what}: two have the same name {told}; names must be unique")


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"
