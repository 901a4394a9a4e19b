"""The command lines and configuration files of the servers; starts nothing.

Every server listens on 127.0.0.1 only and writes below the plane's data directory only.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

# Just what tests of roles, of namespace deletion and of garbage collection need: no pods, no nodes.
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "validatingadmissionpolicy-status-controller",
)

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The server's own traffic over its loopback client would drown everything else.
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata"},
    ],
}


def etcd(binary: Path, data: Path, client_port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(binary),
        "--name=goaround",
        f"--data-dir={data / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=goaround={peer}",
        # Throw-away data: durability would only cost time.
        "--unsafe-no-fsync",
        # One member elects itself; the default time-out of one second is for networks.
        "--heartbeat-interval=10",
        "--election-timeout=100",
        "--log-level=warn",
    ]


def kube_apiserver(
    binary: Path, data: Path, port: int, etcd_port: int, *, audit_log: Path | None
) -> list[str]:
    pki = data / "pki"
    argv = [
        str(binary),
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={pki}",
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={pki / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-accounts.key'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        # A loopback address is not a legal endpoint of the `kubernetes` service.
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",
    ]
    if (pki / "ca.crt").exists():
        argv.append(f"--client-ca-file={pki / 'ca.crt'}")
    if audit_log is not None:
        policy = data / "audit-policy.json"
        policy.write_text(json.dumps(AUDIT_POLICY), encoding="utf-8")
        argv += [f"--audit-policy-file={policy}", f"--audit-log-path={audit_log}"]
    return argv


def kube_controller_manager(binary: Path, kubeconfig: Path) -> list[str]:
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        # Each controller is an account of its own, as on clusters that kubeadm or a cloud makes:
        # policies know the cleaners by these names.
        "--use-service-account-credentials=true",
        # Does not listen at all.
        "--secure-port=0",
    ]


def prometheus(binary: Path, data: Path, port: int, scrape_seconds: int) -> list[str]:
    home = data / "prometheus"
    home.mkdir()
    write_targets(data, [], None)
    config = {
        "global": {
            "scrape_interval": f"{scrape_seconds}s",
            "scrape_timeout": f"{scrape_seconds}s",
        },
        # Lets a test write the past by remote write even after the first scrape.
        "storage": {"tsdb": {"out_of_order_time_window": "30d"}},
        "scrape_configs": [
            {
                "job_name": "apps",
                # Changes come by inotify. A short refresh would keep discovery busy, and it then
                # throttles itself: every change would be late by up to 7 s.
                "file_sd_configs": [
                    {"files": [str(home / "targets.json")], "refresh_interval": "5m"},
                ],
            },
        ],
    }
    (home / "prometheus.yml").write_text(json.dumps(config, indent=2), encoding="utf-8")
    return [
        str(binary),
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=60d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--web.enable-remote-write-receiver",
        # The default of 5 s would delay every change of targets by as much.
        "--scrape.discovery-reload-interval=100ms",
        "--log.level=warn",
    ]


def write_targets(data: Path, targets: Sequence[str], labels: Mapping[str, str] | None) -> None:
    """Replace the scrape targets in one step, so that no half-written list is ever read."""
    group = {"targets": list(targets), "labels": dict(labels or {})}
    current = data / "prometheus" / "targets.json"
    text = json.dumps([group])
    if current.exists() and current.read_text(encoding="utf-8") == text:
        return
    new = current.with_name(".targets.new")
    new.write_text(text, encoding="utf-8")
    new.replace(current)
