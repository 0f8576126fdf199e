"""A client of the service, as a user's script would be: it knows the HTTP contract and nothing else."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import httpx
import psutil

from tests.support.waiting import until_sync

Json = dict[str, Any]  # what a server sends has no static type

TERMINAL = {"succeeded", "failed", "cancelled"}


class Caller:
    """Calls one service. What is not answered as expected fails the test with the whole answer."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """With `key`, every call sends it."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, *, expect: int = 200, **query: str | int) -> Json:
        """The JSON of a GET that must be answered `expect`."""
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
        """Posts a job that must be answered `expect`: the job, or the problem."""
        return answer(self.http.post(f"/jobs/{task}", json=params, params=options, headers=headers), expect)

    def job(self, job_id: str) -> Json:
        return self.get(f"/jobs/{job_id}")

    def result(self, job_id: str) -> Any:  # whatever JSON the task made
        """The whole result of a job that has succeeded."""
        response = self.http.get(f"/jobs/{job_id}/result")
        assert response.status_code == 200, response.text
        return response.json()

    def cancel(self, job_id: str, *, expect: int = 200) -> Json:
        return answer(self.http.post(f"/jobs/{job_id}/cancel"), expect)

    def ended(self, job_id: str, *, within: float = 60.0) -> Json:
        """The job once it is terminal."""
        end = time.monotonic() + within
        while (job := self.get(f"/jobs/{job_id}", wait=2))["state"] not in TERMINAL:
            assert time.monotonic() < end, f"not terminal after {within:g} s: {job}"
        return job

    def succeeded(self, job_id: str, *, within: float = 60.0) -> Json:
        """The job once it is terminal, which must be by success."""
        job = self.ended(job_id, within=within)
        assert job["state"] == "succeeded", job
        return job

    def failed(self, job_id: str, kind: str, *, within: float = 60.0) -> Json:
        """The job once it is terminal, which must be by a failure of this kind."""
        job = self.ended(job_id, within=within)
        assert job["state"] == "failed", job
        assert job["error"]["type"] == f"/problems/{kind}", job
        return job

    def lanes(self) -> list[Json]:
        lanes: list[Json] = self.get("/stats")["lanes"]
        return lanes

    def lane_of(self, job_id: str) -> psutil.Process:
        """The process in whose hands the job is, once it is."""
        pid: int = until_sync(
            lambda: next((lane["pid"] for lane in self.lanes() if lane["job"] == job_id and lane["pid"]), None),
            what=f"a lane to run {job_id}",
        )
        return psutil.Process(pid)

    def idle_lanes(self, number: int = 2) -> list[psutil.Process]:
        """The processes of the lanes, once there are `number` and all are idle."""
        return until_sync(lambda: found if len(found := self._idle()) == number else None, what=f"{number} idle lanes")

    def _idle(self) -> list[psutil.Process]:
        found = []
        for lane in self.lanes():
            with contextlib.suppress(psutil.NoSuchProcess):  # it has died since it was shown
                found += [psutil.Process(lane["pid"])] if lane["state"] == "idle" else []
        return found


def answer(response: httpx.Response, expect: int) -> Json:
    """The JSON of an answer that must have this status; of a problem, which must look like one."""
    assert response.status_code == expect, f"{response.status_code} {response.text[:2000]}"
    body: Json = response.json()
    if expect >= 400:
        assert response.headers["content-type"].startswith("application/problem+json")
        assert body["status"] == expect, body
    return body
