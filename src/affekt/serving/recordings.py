"""The routes that take recordings: what is heard in them, and what decided."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from affekt.serving import answers, schema
from affekt.serving.bodies import FIELD, Upload, read_uploads
from affekt.serving.holdings import Hold
from affekt.serving.refusals import RefusalError
from affekt.serving.schema import LEAST_HOP, LEAST_WINDOW, MOST_WINDOW, Channels, Format, Method
from affekt.serving.service import Service
from affekt.serving.waiting import GivenUpError, unless

T = TypeVar("T")

_BYTES = {"type": "string", "format": "binary", "minLength": 1}
_AUDIO = {"schema": _BYTES}
_FORM = {
    "schema": {
        "type": "object",
        "required": [FIELD],
        "properties": {
            FIELD: {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
        },
    }
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": _FORM, "application/octet-stream": _AUDIO, "audio/*": _AUDIO},
    }
}
_TABLES = {"content": {kind: {"schema": {"type": "string"}} for kind in ("text/csv", "text/vtt")}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": schema.ErrorAnswer, "description": text}
    for status, text in {
        400: "No recording in it, or a malformed form.",
        401: "No token, or a wrong one.",
        403: "A page of another server.",
        404: "No such model.",
        408: "The request came too slowly.",
        413: "Over the limit on bytes or files.",
        415: "A body that is no audio.",
        421: "Called by a name that is not this server's.",
        422: "A wrong query.",
        429: "Too many at once; try again after the seconds of Retry-After.",
        503: "Stopping.",
    }.items()
}

Model = Annotated[str | None, Query(description="One of /v1/models; the default one if not given.")]
Seconds = Annotated[float, Query(ge=LEAST_WINDOW, le=MOST_WINDOW, description="Of a window.")]
Hop = Annotated[float, Query(ge=LEAST_HOP, le=MOST_WINDOW, description="Seconds from one to the next.")]


def add(app: FastAPI, service: Service) -> None:
    """Adds `POST /v1/predict` and `POST /v1/explain`."""
    _add_predict(app, service)
    _add_explain(app, service)


def _add_predict(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/predict",
        summary="The emotion in recordings, one result for each.",
        response_model=schema.PredictAnswer,
        responses={200: _TABLES, **REFUSALS},
        openapi_extra=_BODY,
    )
    async def predict(
        request: Request,
        *,
        model: Model = None,
        timeline: Annotated[bool, Query(description="Also the emotion over time.")] = False,
        window: Seconds = 2.0,
        hop: Hop = 1.0,
        channels: Annotated[Channels, Query(description="Their mean, or a result for each.")] = "mix",
        format: Annotated[Format, Query(description="Of the answer; vtt holds the timeline.")] = "json",
    ) -> Response:
        recognizer = service.recognizer(model)
        if hop > window:
            raise RefusalError(422, "query", "hop: over the window, which would leave gaps")
        service.queue.check()
        with service.bodies.hold() as held, service.queue.hold() as queued:
            uploads = await _read(request, service, held)
            if format == "vtt" and (len(uploads) > 1 or channels == "split"):
                raise RefusalError(422, "query", "format: vtt holds one recording, with its channels mixed")
            queued.take(len(uploads))
            windows = (window, hop) if timeline or format == "vtt" else None
            work = service.predict(uploads, recognizer, windows, split=channels == "split")
            rows = await _unless_gone(request, work)
        request.state.rows = len(rows)
        request.state.failed = sum(one["error"] is not None for one in rows)
        if format == "csv":
            return Response(
                answers.as_csv(rows, recognizer, split=channels == "split"), media_type="text/csv"
            )
        if format == "vtt":
            if rows[0]["timeline"] is None:
                raise RefusalError(422, rows[0]["error"], rows[0]["message"])
            return Response(answers.as_vtt(rows[0]), media_type="text/vtt")
        return JSONResponse({"model": model or service.default, "results": rows})


def _add_explain(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/explain",
        summary="Which regions of time and frequency decided.",
        response_model=schema.ExplainAnswer,
        responses=REFUSALS,
        openapi_extra=_BODY,
    )
    async def explain(
        request: Request,
        *,
        model: Model = None,
        method: Annotated[Method | None, Query(description="The first that there is if not given.")] = None,
        emotion: Annotated[str | None, Query(description="The predicted one if not given.")] = None,
    ) -> Response:
        recognizer = service.recognizer(model)
        if emotion is not None and emotion not in recognizer.config.labels:
            raise RefusalError(422, "query", "emotion: not one of the model's; see /v1/models")
        service.explanations.check()
        with service.bodies.hold() as held, service.explanations.hold() as queued:
            uploads = await _read(request, service, held)
            if len(uploads) > 1:
                raise RefusalError(422, "too_many_files", "one recording is explained at a time; send one")
            queued.take(1)
            work = service.explain(uploads[0], recognizer, method=method, emotion=emotion)
            return JSONResponse(await _unless_gone(request, work))


async def _read(request: Request, service: Service, held: Hold) -> list[Upload]:
    return await read_uploads(request.stream(), dict(request.headers), service.limits, held)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of work that is given up once nobody waits for it.

    Raises:
        ClientDisconnect: nobody does.
    """

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    try:
        return await unless(left(), work)
    except GivenUpError:
        raise ClientDisconnect from None
