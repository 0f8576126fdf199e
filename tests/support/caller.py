"""A client of the service that knows only the HTTP contract, like a user's script."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import httpx
import psutil

from tests.support.waiting import until_sync

Json = dict[str, Any]  # responses have no static type

TERMINAL = {"succeeded", "failed", "cancelled"}


class Caller:
    """Calls one service. An unexpected response fails the test, and is shown."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """With `key`, every call sends it."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, *, expect: int = 200, **query: str | int) -> Json:
        """Returns the JSON of a GET, whose status must be `expect`."""
        return answer(self.http.get(path, params=query), expect)

    def submit(
        self,
        task: str,
        params: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        expect: int = 202,
        **options: str | float,
    ) -> Json:
        """Posts a job. The status must be `expect`. Returns the job, or the problem."""
        return answer(self.http.post(f"/jobs/{task}", json=params, params=options, headers=headers), expect)

    def job(self, job_id: str) -> Json:
        return self.get(f"/jobs/{job_id}")

    def result(self, job_id: str) -> Any:  # any JSON
        """Returns the complete result of a job that has succeeded."""
        response = self.http.get(f"/jobs/{job_id}/result")
        assert response.status_code == 200, response.text
        return response.json()

    def cancel(self, job_id: str, *, expect: int = 200) -> Json:
        return answer(self.http.post(f"/jobs/{job_id}/cancel"), expect)

    def ended(self, job_id: str, *, within: float = 60.0) -> Json:
        """Returns the job when it is terminal."""
        end = time.monotonic() + within
        while (job := self.get(f"/jobs/{job_id}", wait=2))["state"] not in TERMINAL:
            assert time.monotonic() < end, f"not terminal after {within:g} s: {job}"
        return job

    def succeeded(self, job_id: str, *, within: float = 60.0) -> Json:
        """Returns the job when it is terminal. It must have succeeded."""
        job = self.ended(job_id, within=within)
        assert job["state"] == "succeeded", job
        return job

    def failed(self, job_id: str, kind: str, *, within: float = 60.0) -> Json:
        """Returns the job when it is terminal. It must have failed with this kind."""
        job = self.ended(job_id, within=within)
        assert job["state"] == "failed", job
        assert job["error"]["type"] == f"/problems/{kind}", job
        return job

    def lanes(self) -> list[Json]:
        lanes: list[Json] = self.get("/stats")["lanes"]
        return lanes

    def lane_of(self, job_id: str) -> psutil.Process:
        """Waits until a lane runs the job. Returns the process of the lane."""
        pid: int = until_sync(
            lambda: next((lane["pid"] for lane in self.lanes() if lane["job"] == job_id and lane["pid"]), None),
            what=f"a lane to run {job_id}",
        )
        return psutil.Process(pid)

    def idle_lanes(self, number: int = 2) -> list[psutil.Process]:
        """Waits until there are `number` lanes and all are idle. Returns their processes."""
        return until_sync(lambda: found if len(found := self._idle()) == number else None, what=f"{number} idle lanes")

    def _idle(self) -> list[psutil.Process]:
        found = []
        for lane in self.lanes():
            with contextlib.suppress(psutil.NoSuchProcess):  # it has died meanwhile
                found += [psutil.Process(lane["pid"])] if lane["state"] == "idle" else []
        return found


def answer(response: httpx.Response, expect: int) -> Json:
    """Returns the JSON of a response, which must have this status. From 400 on it must be a problem."""
    assert response.status_code == expect, f"{response.status_code} {response.text[:2000]}"
    body: Json = response.json()
    if expect >= 400:
        assert response.headers["content-type"].startswith("application/problem+json")
        assert body["status"] == expect, body
    return body
