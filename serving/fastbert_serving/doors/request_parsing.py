"""Requests are parsed here rather than by gRPC, which keeps every call whose message it cannot parse for ever."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

Behavior = Callable[..., Any]


class RequestParsing(grpc.ServerInterceptor):
    """Hands methods their parsed requests; one that cannot be parsed is answered INTERNAL, as gRPC's own rules ask.

    grpcio 1.85 answers such a message twice, in `grpc._server`: once because the parser failed, and once more because
    there is no request. The second answer never ends, and the call with all that belongs to it, some kilobytes, stays
    in memory.
    """

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Returns the method's handler with the parser put before its behaviour."""
        handler = continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None or handler.request_streaming:
            return handler
        if handler.response_streaming:
            behavior, make = handler.unary_stream, grpc.unary_stream_rpc_method_handler
        else:
            behavior, make = handler.unary_unary, grpc.unary_unary_rpc_method_handler
        parsing = _parsing(behavior, handler.request_deserializer)
        return make(parsing, response_serializer=handler.response_serializer)


def _parsing(behavior: Behavior, parse: Callable[[bytes], Any]) -> Behavior:
    @functools.wraps(behavior)  # gRPC reads attributes of health's Watch
    def call(message: bytes, context: grpc.ServicerContext, *more: Any) -> Any:
        try:
            request = parse(message)
        except DecodeError:
            context.abort(grpc.StatusCode.INTERNAL, "the message is not what this method takes, or it is broken")
        return behavior(request, context, *more)

    return call
