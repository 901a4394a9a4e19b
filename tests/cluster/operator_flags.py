"""What an app is told by the flag replica of the operator's cluster tests.

Reads whole sets once, as a provider would on its first stream; evaluates them with flagd-core.
"""

import json

import grpc
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.api.base import Json
from tests.cluster.operator_kit import Stack


def flags(stack: Stack, selector: str) -> Json:
    """The set that an app with this selector gets. Raises grpc.RpcError where it is refused."""
    with grpc.insecure_channel(f"127.0.0.1:{stack.flag_port}") as channel:
        stub = sync_pb2_grpc.FlagSyncServiceStub(channel)
        answer = stub.FetchAllFlags(sync_pb2.FetchAllFlagsRequest(selector=selector), timeout=10)
    found: Json = json.loads(answer.flag_configuration)
    return found


def served(found: Json, key: str, *, user: str = "") -> Json:
    """What flagd-core evaluates for a user, from the whole set; "": one without a targeting key."""
    core = FlagdCore()
    who = EvaluationContext(targeting_key=user) if user else None
    core.set_flags(json.dumps(found))
    value = core.resolve_object_value(key, {}, who).value
    assert isinstance(value, dict)
    return dict(value)
