"""The flag stream over TLS: real certificates, a real replica, and the provider that apps have."""

import logging
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.delivery.flagtls import KeyPair, asked_for, credentials, renewed
from tests.unit.delivery.builders import feature_body
from tests.unit.delivery.live import live, variant

SET = sync_pb2.FetchAllFlagsRequest(selector="shop/chat")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[KeyPair]:
    """Two pairs, each signed by itself, for localhost."""
    folder = Path(tmp_path_factory.mktemp("tls"))
    pairs = [KeyPair(folder / f"{n}.crt", folder / f"{n}.key") for n in ("first", "second")]
    for pair in pairs:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=flags"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(pair.key), "-out", str(pair.certificate)),
            ],
            check=True,
            capture_output=True,
        )
    return pairs


@pytest.fixture
def mounted(made: list[KeyPair], tmp_path: Path) -> KeyPair:
    """The files of the Secret, with the first pair in them."""
    pair = KeyPair(tmp_path / "tls.crt", tmp_path / "tls.key")
    renew(pair, made[0])
    return pair


def renew(mounted: KeyPair, pair: KeyPair) -> None:
    shutil.copyfile(pair.certificate, mounted.certificate)
    shutil.copyfile(pair.key, mounted.key)


def told(port: int, trusted: KeyPair | None) -> grpc.StatusCode | None:
    """How a fetch of the set ends; None: with the set."""
    where = f"localhost:{port}"
    channel = (
        grpc.insecure_channel(where)
        if trusted is None
        else grpc.secure_channel(
            where, grpc.ssl_channel_credentials(trusted.certificate.read_bytes())
        )
    )
    with channel:
        try:
            sync_pb2_grpc.FlagSyncServiceStub(channel).FetchAllFlags(SET, timeout=10)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
    return None


def test_who_trusts_the_certificate_gets_flags_and_plain_text_gets_none(
    mounted: KeyPair, made: list[KeyPair]
) -> None:
    with live(tls=credentials(mounted)) as replica:
        replica.list([feature_body("chat")])
        assert told(replica.port, made[0]) is None
        assert told(replica.port, made[1]) is grpc.StatusCode.UNAVAILABLE
        assert told(replica.port, None) is grpc.StatusCode.UNAVAILABLE


def test_a_renewed_certificate_is_shown_to_the_next_connection(
    mounted: KeyPair, made: list[KeyPair]
) -> None:
    with live(tls=credentials(mounted)) as replica:
        replica.list([feature_body("chat")])
        assert told(replica.port, made[0]) is None
        renew(mounted, made[1])
        assert told(replica.port, made[1]) is None
        assert told(replica.port, made[0]) is grpc.StatusCode.UNAVAILABLE


def test_a_pair_that_does_not_belong_together_leaves_the_last_good_one(
    mounted: KeyPair, made: list[KeyPair], caplog: pytest.LogCaptureFixture
) -> None:
    fetch = renewed(mounted)
    shutil.copyfile(made[1].certificate, mounted.certificate)
    with caplog.at_level(logging.WARNING, "goaround.flags"):
        assert fetch() is None
        assert fetch() is None
    assert len(caplog.records) == 1
    shutil.copyfile(made[1].key, mounted.key)
    assert fetch() is not None
    assert fetch() is None


@pytest.mark.parametrize(
    "harm",
    [
        lambda pair: pair.key.unlink(),
        lambda pair: pair.certificate.write_text("not a certificate"),
    ],
)
def test_without_a_usable_pair_it_does_not_start_and_names_the_files(
    mounted: KeyPair, harm: Callable[[KeyPair], object]
) -> None:
    harm(mounted)
    with pytest.raises(ValueError, match=r"tls\.crt and key .*tls\.key cannot be used"):
        credentials(mounted)


def test_the_provider_of_an_app_follows_the_stream_over_tls(
    mounted: KeyPair, made: list[KeyPair]
) -> None:
    with live(tls=credentials(mounted)) as replica:
        replica.list([feature_body("chat")])
        provider = FlagdProvider(
            host="localhost", port=replica.port, tls=True, cert_path=str(made[0].certificate),
            resolver_type=ResolverType.IN_PROCESS, selector="shop/chat", deadline_ms=10_000,
            stream_deadline_ms=0, retry_backoff_ms=100, retry_backoff_max_ms=200,
        )  # fmt: skip
        api.set_provider_and_wait(provider, domain="over-tls")
        try:
            assert variant(api.get_client(domain="over-tls"), "ann") is not None
        finally:
            provider.shutdown()


def test_a_pair_is_given_whole_or_not_at_all(mounted: KeyPair) -> None:
    assert asked_for(None, None) is None
    assert asked_for(mounted.certificate, mounted.key) is not None
    for half in ((mounted.certificate, None), (None, mounted.key)):
        with pytest.raises(ValueError, match="given together"):
            asked_for(*half)


def test_the_process_listens_with_the_pair_it_is_given(
    mounted: KeyPair, made: list[KeyPair], tmp_path: Path
) -> None:
    """No API server is needed to see whom it talks to: until everything is listed it says so."""
    nobody = tmp_path / "kubeconfig"
    nobody.write_text(
        '{"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x", '
        '"user": "x"}}], "users": [{"name": "x", "user": {}}], "clusters": [{"name": "x", '
        '"cluster": {"server": "http://127.0.0.1:9"}}]}'
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = [sys.executable, "-m", "goaround", "flags", "--host=127.0.0.1", f"--port={port}"]
    begin += ["--http-port=0", "--control-port=0", f"--kubeconfig={nobody}"]
    begin += [f"--tls-cert-file={mounted.certificate}", f"--tls-key-file={mounted.key}"]
    with subprocess.Popen(begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            until = time.monotonic() + 60
            while not accepts(port):
                assert child.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            channel = grpc.ssl_channel_credentials(made[0].certificate.read_bytes())
            with grpc.secure_channel(f"localhost:{port}", channel) as secure:
                stub = sync_pb2_grpc.FlagSyncServiceStub(secure)
                with pytest.raises(grpc.RpcError, match="not everything is listed yet"):
                    stub.FetchAllFlags(SET, timeout=10)
        finally:
            child.terminate()


def accepts(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
