"""Builders of the demo's tests: releases, flag sets, and a real flag stream to serve them.

Decides the shapes the operator's flag stream would send. It keeps no state between tests.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from examples.client.goaround_client import BUCKETS
from examples.demo.catalogue import Release
from examples.demo.service import FlagSource

NAMESPACE, FEATURE = "shop", "support-chat"
STABLE_DIGEST, CANDIDATE_DIGEST = "aaaaaaaaaaaa", "cccccccccccc"


def payload(
    *,
    digest: str = STABLE_DIGEST,
    model: str = "2026-11-02",
    prompt: str = "v42",
    index: str = "2026-11-20",
    parameters: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The object a flag variant carries for one release."""
    return {
        "enabled": True,
        "release": digest,
        "model": {"name": "extractor", "version": model},
        "prompt": {"name": "support", "version": prompt},
        "index": {"name": "faq", "version": index},
        "parameters": dict(parameters or {}),
    }


def release(
    *, model: str = "2026-11-02", prompt: str = "v42", index: str = "2026-11-20"
) -> Release:
    """The good release, with the given parts replaced."""
    return Release.model_validate(payload(model=model, prompt=prompt, index=index))


def _salted(salt: str, weights: Sequence[Sequence[object]]) -> dict[str, object]:
    key = {"var": "targetingKey"}
    split = {"fractional": [{"cat": [salt, key]}, *weights]}
    return {"if": [key, split, None]}


def flag_set(
    *, candidate: Mapping[str, object], percent: int, killed: bool = False
) -> dict[str, object]:
    """The two flags of the feature, with `percent` of users on the candidate, or killed."""
    split = _salted("attempt-1", [["candidate", percent], ["stable", 100 - percent]])
    buckets = _salted("uid-1", [[bucket, 1] for bucket in BUCKETS])
    fallback = {"enabled": False, "release": "", "fallback": {"type": "LegacyLogic"}}
    main: dict[str, object] = {
        "state": "ENABLED",
        "defaultVariant": "fallback" if killed else "stable",
        "variants": {"stable": payload(), "candidate": dict(candidate), "fallback": fallback},
        "metadata": {"revision": 1},
    }
    bucket: dict[str, object] = {
        "state": "ENABLED",
        "defaultVariant": "b00",
        "variants": {bucket: bucket for bucket in BUCKETS},
        "targeting": buckets,
    }
    if not killed:
        main["targeting"] = split
    return {"flags": {f"{FEATURE}.release": main, f"{FEATURE}.bucket": bucket}}


class FlagServer(sync_pb2_grpc.FlagSyncServiceServicer):
    """A `flagd.sync.v1` server on loopback: sends the current set, then every change."""

    def __init__(self, flags: Mapping[str, object], *, port: int = 0) -> None:
        self._flags = flags
        self._version = 1
        self._is_open = True
        self._changed = threading.Condition()
        self.selectors: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8))
        sync_pb2_grpc.add_FlagSyncServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    @property
    def source(self) -> FlagSource:
        return FlagSource(NAMESPACE, FEATURE, host="127.0.0.1", port=self.port)

    def send(self, flags: Mapping[str, object]) -> None:
        """Replace the flag set; every stream gets it."""
        with self._changed:
            self._flags = flags
            self._version += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """End all streams and the server."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._server.stop(grace=0.2).wait()

    def GetMetadata(
        self, request: object, context: grpc.ServicerContext
    ) -> sync_pb2.GetMetadataResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "metadata comes with the flags")
        return sync_pb2.GetMetadataResponse()

    def FetchAllFlags(
        self, request: object, context: grpc.ServicerContext
    ) -> sync_pb2.FetchAllFlagsResponse:
        return sync_pb2.FetchAllFlagsResponse(flag_configuration=json.dumps(self._flags))

    def SyncFlags(
        self, request: sync_pb2.SyncFlagsRequest, context: grpc.ServicerContext
    ) -> Iterator[sync_pb2.SyncFlagsResponse]:
        self.selectors.append(request.selector)
        sent = 0
        while context.is_active():
            with self._changed:
                if self._is_open and self._version == sent:
                    self._changed.wait(timeout=0.5)
                if not self._is_open:
                    return
                if self._version == sent:
                    continue
                sent, body = self._version, json.dumps(self._flags)
            yield sync_pb2.SyncFlagsResponse(flag_configuration=body)
