"""The administrator's file: what it may say, and one sentence for every fault."""

from pathlib import Path

import pytest

from goaround.runtime.config import Config, ConfigError, load, parse

GOOD = {"name": "default", "url": "http://prometheus.monitoring:9090"}


def fault(raw: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(raw, source="operator.yaml")
    return str(caught.value)


def test_without_a_file_the_defaults_stand() -> None:
    assert load(None) == Config()
    assert Config().workers == 8


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    empty = tmp_path / "operator.yaml"
    empty.write_text("# nothing yet\n")
    assert load(empty) == Config()


def test_a_provider_gets_the_defaults_of_the_design_page() -> None:
    (provider,) = parse({"providers": [GOOD]}, source="x").providers
    assert provider.lag_seconds == 10
    assert provider.provider().labels.names == ("namespace", "ai_feature", "ai_variant")


def test_everything_that_may_be_said_is_taken_over(tmp_path: Path) -> None:
    full = tmp_path / "operator.yaml"
    full.write_text(
        "providers:\n"
        "- name: thanos\n"
        "  url: https://thanos.example:443/prometheus\n"
        "  labels: {namespace: ns, feature: feat, variant: arm}\n"
        "  scrapeSeconds: 30\n"
        "  lagSeconds: 20\n"
        "  timeoutSeconds: 9\n"
        "  maxBytes: 2048\n"
        "workers: 3\n"
        "resyncSeconds: 60\n"
        "checkpointSeconds: 5\n"
    )
    config = load(full)
    provider = config.providers[0].provider()
    assert provider.labels.names == ("ns", "feat", "arm")
    assert (provider.scrape_seconds, provider.lag_seconds) == (30, 20)
    assert (provider.timeout_seconds, provider.max_bytes) == (9, 2048)
    assert (config.workers, config.resync_seconds, config.checkpoint_seconds) == (3, 60, 5)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"provider": []}, ("provider: Extra inputs are not permitted",)),
        ({"providers": [GOOD | {"lag": 3}]}, ("providers.0.lag: Extra inputs",)),
        ({"providers": [GOOD, GOOD]}, ("two have the same name", "default")),
        ({"providers": [GOOD | {"url": "prometheus:9090"}]}, ("'default'", "url is not usable")),
        ({"providers": [GOOD | {"url": "http://p/?a=b"}]}, ("no query, no fragment",)),
        ({"providers": [GOOD | {"url": ""}]}, ("providers.0.url",)),
        ({"providers": [{"name": "default"}]}, ("providers.0.url: Field required",)),
        ({"providers": [GOOD | {"name": "Main One"}]}, ("providers.0.name",)),
        ({"providers": [GOOD | {"labels": {"feature": "ai-feature"}}]}, ("labels.feature",)),
        ({"providers": [GOOD | {"labels": {"feature": "namespace"}}]}, ("four different labels",)),
        ({"providers": [GOOD | {"timeoutSeconds": 0}]}, ("providers.0.timeoutSeconds",)),
        ({"providers": [GOOD | {"lagSeconds": float("nan")}]}, ("providers.0.lagSeconds",)),
        ({"workers": "many"}, ("workers",)),
        (["providers"], ("the file",)),
        ("providers", ("the file",)),
    ],
)
def test_every_fault_is_told_with_its_place(raw: object, words: tuple[str, ...]) -> None:
    told = fault(raw)
    assert told.startswith("operator.yaml: ")
    assert [word for word in words if word not in told] == []


def test_all_faults_are_told_at_once() -> None:
    told = fault({"workers": 0, "resyncSeconds": 0, "oops": 1})
    assert [w for w in ("workers", "resyncSeconds", "oops") if w not in told] == []


def test_a_password_in_a_url_is_never_told() -> None:
    assert "geheim" not in fault({"providers": [GOOD | {"url": "ftp://me:geheim@prometheus"}]})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"providers: [", "is not YAML"),
        (b"providers: &a [*b]", "is not YAML"),
        (b"\xff\xfe\x00providers", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_with_its_path(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "operator.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
