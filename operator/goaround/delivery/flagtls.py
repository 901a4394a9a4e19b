"""TLS of the flag stream: a certificate and its key, read again when a Secret is renewed in place.

Decides which pair a new connection is shown. It asks nobody for a client certificate, makes no
certificate, and never goes back to plain text: without a usable pair the server does not start, and
a pair that turns bad later leaves the last good one in use.
"""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

log = logging.getLogger("goaround.flags")

Pair = tuple[bytes, bytes]
"""Certificate chain and key, both in PEM."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where the files of a Secret of type `kubernetes.io/tls` are mounted."""

    certificate: Path
    key: Path

    def read(self) -> Pair:
        """Both. Raises ValueError, in words for an administrator, unless they belong together."""
        found = self._bytes()
        try:
            # gRPC compares them, too, but only to say "failed"; "": never ask a terminal
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.certificate, self.key, password=""
            )
        except OSError as error:  # an ssl.SSLError is one, too
            raise self._unusable(error) from error
        if self._bytes() != found:
            raise self._unusable("they are being renewed")
        return found

    def _bytes(self) -> Pair:
        try:
            return self.certificate.read_bytes(), self.key.read_bytes()
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, why: object) -> ValueError:
        return ValueError(
            f"certificate {self.certificate} and key {self.key} cannot be used: {why}"
        )


def credentials(pair: KeyPair) -> grpc.ServerCredentials:
    """What a gRPC server listens with; the files are looked at for each new connection.

    Raises ValueError when there is no usable pair to begin with.
    """
    return grpc.dynamic_ssl_server_credentials(_configuration(pair.read()), renewed(pair))


def asked_for(certificate: Path | None, key: Path | None) -> grpc.ServerCredentials | None:
    """`credentials` of what a command line names; None: plain text. Raises ValueError when only
    half of a pair is named, too."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ValueError("--tls-cert-file and --tls-key-file are given together or not at all")
    return credentials(KeyPair(certificate, key))


def renewed(pair: KeyPair) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
    """Tells a new pair once; None: go on with the last one."""
    known = pair.read()
    told = ""

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal known, told
        try:
            found = pair.read()
        except ValueError as error:
            if str(error) != told:
                log.warning("the certificate is not renewed", extra={"error": str(error)})
            told = str(error)
            return None
        told = ""
        if found == known:
            return None
        known = found
        log.info("the certificate is renewed")
        return _configuration(found)

    return fetch


def _configuration(found: Pair) -> grpc.ServerCertificateConfiguration:
    certificate, key = found
    return grpc.ssl_server_certificate_configuration([(key, certificate)])
