"""One idempotency key stands for one job: concurrently, later, and after kill -9."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.caller import answer
from tests.support.server import Server

KEY = {"Idempotency-Key": "order-66"}


def test_a_key_always_stands_for_one_job(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        api = server.api
        with ThreadPoolExecutor(20) as together:
            answers = list(
                together.map(lambda _: api.http.post("/jobs/greet", json={"name": "you"}, headers=KEY), range(20))
            )
        in_flight = [response for response in answers if response.status_code == 409]
        assert {answer(response, 409)["type"] for response in in_flight} <= {"/problems/idempotency-in-flight"}
        accepted = [response for response in answers if response not in in_flight]
        (job_id,) = {answer(response, 202)["id"] for response in accepted}
        assert sum("Idempotency-Replayed" not in response.headers for response in accepted) == 1
        assert len(api.get("/jobs")["jobs"]) == 1

        server.kill()
        api = server.start().api
        again = api.http.post("/jobs/greet", json={"name": "you"}, headers=KEY)
        assert answer(again, 202)["id"] == job_id
        assert again.headers["Idempotency-Replayed"] == "true"
        problem = api.submit("greet", {"name": "me"}, headers=KEY, expect=422)
        assert problem["type"] == "/problems/idempotency-key-reused"
        assert len(api.get("/jobs")["jobs"]) == 1
