"""MLflow, over its REST API (version 2.0 of its paths): a run, and one within it for each fold."""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from affekt import files
from affekt.errors import TrackingError
from affekt.tracking.contents import Contents
from affekt.tracking.sending import Note

T = TypeVar("T")
EXPERIMENT = "affekt"
"""The experiment, where MLFLOW_EXPERIMENT_NAME names no other one."""
TIMEOUT_S = 8.0
_MOST_ANSWER_BYTES = 4 * 2**20
_MOST_AT_ONCE = 100
_MOST_METRICS = 800
_MOST_PARAMETER, _MOST_TAG = 6000, 5000
_STATUS = {"running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED"}
_KEY = "affekt.key"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _RefusedError(TrackingError):
    """The server's answer is an error; `kind` is its own name for it."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def gone(self) -> bool:
        return self.kind == "RESOURCE_DOES_NOT_EXIST"


class Mlflow:
    """A server at `address`; who asks is in MLFLOW_TRACKING_TOKEN, or in _USERNAME and _PASSWORD."""

    def __init__(self, target: str, address: str) -> None:
        self.target, self._address = target, address
        self.remarks: list[str] = []
        self._experiment = ""
        self._places: dict[str, str] = {}

    def tell(self, run: Contents, note: Note) -> None:
        """Tells what the note has not, and notes each part once it is told.

        Raises:
            TrackingError: the server cannot be reached, or refuses.
        """
        if note.names and not self._has(note.names[""]):
            note.forget()
        self._open(run, note, "")
        if not note.described:
            self._log(note.names[""], params=run.parameters, tags=run.tags)
            note.described = True
        for history, rows in run.histories.items():
            self._open(run, note, history)
            metrics = [
                _metric(name, value, run.times[history], step)
                for step, values in note.news(run, history)
                for name, value in values.items()
            ]
            for some in _parts(metrics, _MOST_METRICS):
                self._post("runs/log-batch", run_id=note.names[history], metrics=some)
            note.rows[history] = max(len(rows), note.rows.get(history, 0))
        if run.status != note.ended:
            self._end(run, note)

    def _has(self, run_id: str) -> bool:
        """Whether the server still has a run, and where it keeps its files."""
        if run_id in self._places:
            return True
        try:
            found = self._get("runs/get", run_id=run_id)["run"]["info"]
        except _RefusedError as error:
            if error.gone:
                return False
            raise
        self._places[run_id] = str(found.get("artifact_uri", ""))
        return bool(found.get("lifecycle_stage") == "active")

    def _open(self, run: Contents, note: Note, history: str) -> None:
        """The server's run for a history, found again by its key where an answer got lost, or a new one."""
        if history in note.names:
            return
        key = f"{note.key}/{history}"
        experiment = self._of_experiment()
        found = self._post(
            "runs/search",
            experiment_ids=[experiment],
            filter=f"tags.`{_KEY}` = '{_plain(key)}'",
            max_results=1,
        )
        for one in found.get("runs") or ():
            note.names[history] = one["info"]["run_id"]
            self._places[note.names[history]] = str(one["info"].get("artifact_uri", ""))
            return
        tags = {_KEY: _plain(key)}
        if history:
            tags["mlflow.parentRunId"] = note.names[""]
        made = self._post(
            "runs/create",
            experiment_id=experiment,
            run_name=f"{run.name}/{history}" if history else run.name,
            start_time=_milliseconds(run.started),
            tags=_pairs(tags, _MOST_TAG),
        )["run"]["info"]
        note.names[history] = made["run_id"]
        self._places[made["run_id"]] = str(made.get("artifact_uri", ""))

    def _of_experiment(self) -> str:
        if not self._experiment:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
            try:
                self._experiment = self._named(name)
            except _RefusedError as error:
                if not error.gone:
                    raise
                try:
                    self._experiment = str(self._post("experiments/create", name=name)["experiment_id"])
                except _RefusedError as both:
                    if both.kind != "RESOURCE_ALREADY_EXISTS":
                        raise
                    self._experiment = self._named(name)
        return self._experiment

    def _named(self, name: str) -> str:
        found = self._get("experiments/get-by-name", experiment_name=name)["experiment"]
        if found.get("lifecycle_stage") != "active":
            raise TrackingError(
                f"{self.target}: the experiment '{name}' is deleted; restore it there, or name another one "
                "in MLFLOW_EXPERIMENT_NAME"
            )
        return str(found["experiment_id"])

    def _log(self, run_id: str, *, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        for some in _parts(_pairs(params, _MOST_PARAMETER), _MOST_AT_ONCE):
            self._post("runs/log-batch", run_id=run_id, params=some)
        for some in _parts(_pairs(tags, _MOST_TAG), _MOST_AT_ONCE):
            self._post("runs/log-batch", run_id=run_id, tags=some)

    def _end(self, run: Contents, note: Note) -> None:
        figures = [_metric(name, value, run.ended, 0) for name, value in run.figures.items()]
        for some in _parts(figures, _MOST_METRICS):
            self._post("runs/log-batch", run_id=note.names[""], metrics=some)
        self._attach(run, note.names[""])
        ended = {} if run.status == "running" else {"end_time": _milliseconds(run.ended)}
        for run_id in reversed(note.names.values()):
            self._post("runs/update", run_id=run_id, status=_STATUS[run.status], **ended)
        note.ended = run.status

    def _attach(self, run: Contents, run_id: str) -> None:
        place = urlsplit(self._places.get(run_id, ""))
        if not run.attachments:
            return
        if place.scheme != "mlflow-artifacts":
            self.remarks.append(
                f"{self.target}: reports and figures are not sent, as the server does not take files itself "
                "(--serve-artifacts)"
            )
            return
        for name, path in run.attachments:
            there = quote(f"{place.path.strip('/')}/{name}")
            self._ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{there}", path.read_bytes())

    def _get(self, what: str, **query: str) -> dict[str, Any]:
        return self._ask("GET", f"/api/2.0/mlflow/{what}?{urlencode(query)}")

    def _post(self, what: str, **body: object) -> dict[str, Any]:
        return self._ask("POST", f"/api/2.0/mlflow/{what}", json.dumps(body).encode(), "application/json")

    def _ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/octet-stream"
    ) -> dict[str, Any]:
        headers = _who() | ({"Content-Type": kind} if body is not None else {})
        request = Request(self._address + path, data=body, headers=headers, method=method)
        handlers: list[HTTPRedirectHandler | ProxyHandler] = [_Stay()]
        if request.host.rpartition(":")[0].strip("[]") in _LOOPBACK:
            handlers.append(ProxyHandler({}))
        try:
            with build_opener(*handlers).open(request, timeout=TIMEOUT_S) as response:
                answer = response.read(_MOST_ANSWER_BYTES)
            found = files.parse_json(answer) if answer.strip() else {}
        except HTTPError as error:
            raise self._refused(error) from None
        except URLError as error:
            raise TrackingError(f"{self.target}: cannot be reached ({error.reason})") from None
        except (OSError, http.client.HTTPException) as error:
            raise TrackingError(
                f"{self.target}: cannot be reached ({error or type(error).__name__})"
            ) from None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise TrackingError(f"{self.target}: the answer is none of MLflow's; look at the address")
        return found

    def _refused(self, error: HTTPError) -> _RefusedError:
        with error:
            try:
                told = files.parse_json(error.read(_MOST_ANSWER_BYTES))
            except (ValueError, OSError, http.client.HTTPException):
                told = None
        told = told if isinstance(told, dict) else {}
        kind, text = str(told.get("error_code", "")), " ".join(str(told.get("message", "")).split())
        advice = "; set MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN" if error.code in (401, 403) else ""
        return _RefusedError(f"{self.target}: the server says {error.code} {text or kind:.200}{advice}", kind)


class _Stay(HTTPRedirectHandler):
    """Goes nowhere else: what is sent, and who sends it, is for the server that was named."""

    def redirect_request(self, *_: object) -> None:
        return None


def _who() -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if name := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        both = f"{name}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}


def _metric(name: str, value: float, seconds: float, step: int) -> dict[str, object]:
    return {"key": _name(name), "value": value, "timestamp": _milliseconds(seconds), "step": step}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _pairs(values: Mapping[str, str], longest: int) -> list[dict[str, str]]:
    return [{"key": _name(key), "value": value[:longest]} for key, value in values.items()]


def _name(text: str) -> str:
    """A name that MLflow takes: letters, digits and some signs."""
    return "".join(one if one.isalnum() or one in "_-. /" else "_" for one in text)[:250]


def _plain(text: str) -> str:
    return _name(text).replace("'", "_")


def _parts(values: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    every = list(values)
    return (every[start : start + size] for start in range(0, len(every), size))
