"""The application: routes over a `Service`, behind a `Door`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp

from affekt import __version__
from affekt.serving import recordings, schema
from affekt.serving.door import GONE, Door
from affekt.serving.metrics import CONTENT_TYPE
from affekt.serving.refusals import RefusalError, error_body
from affekt.serving.service import Service
from affekt.serving.settings import Settings
from affekt.serving.streams import Stream

STATIC = Path(__file__).resolve().parent / "static"


def build(service: Service, settings: Settings) -> ASGIApp:
    """The ASGI application; deadlines for slow clients are `protocol`'s, not its own."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.stop()

    app = FastAPI(
        title="Affekt",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        description="The emotion in speech.",
    )
    _add_errors(app)
    _add_state(app, service, settings)
    recordings.add(app, service)
    _add_stream(app, service, settings)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    routes = frozenset(path for one in app.routes if (path := getattr(one, "path", None)) is not None)
    door: ASGIApp = Door(app, settings, routes, service.metrics)
    if settings.origins:
        from starlette.middleware.cors import CORSMiddleware

        door = CORSMiddleware(
            door,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    return door


def _add_state(app: FastAPI, service: Service, settings: Settings) -> None:
    @app.get("/health", summary="Whether the process is alive.")
    async def health() -> schema.Health:
        return schema.Health(status="ok", version=__version__, token=settings.token is not None)

    @app.get("/ready", summary="Whether it takes requests.", responses={503: recordings.REFUSALS[503]})
    async def ready() -> schema.Ready:
        if service.stopping:
            raise RefusalError(503, "stopping", "the server is stopping; ask another one", retry_after=5)
        return schema.Ready(status="ready")

    @app.get("/metrics", summary="Counts and times, for Prometheus.", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/v1/models", summary="The models that this server runs.", response_model=schema.ModelsAnswer)
    async def models() -> JSONResponse:
        return JSONResponse({"models": service.models()})


def _add_stream(app: FastAPI, service: Service, settings: Settings) -> None:
    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        try:
            await Stream(socket, service, settings).run()
        except RefusalError as refusal:
            await socket.send_denial_response(_answer(socket, refusal))


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        return _answer(request, error)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return _answer(request, RefusalError(422, "query", f"{place}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            refusal = RefusalError(
                405, "method", "not with this method", allow=(error.headers or {}).get("Allow")
            )
        else:
            refusal = RefusalError(error.status_code, "not_found", "no such page; see /openapi.json")
        return _answer(request, refusal)


def _answer(request: HTTPConnection, refusal: RefusalError) -> Response:
    request.state.refused = refusal.code
    body = error_body(refusal.code, refusal.message, request.state.request_id)
    return Response(body, refusal.status, refusal.headers, media_type="application/json")
