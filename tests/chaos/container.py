"""`docker stop` at random moments of a mixed load, then a start: each accepted job must end with the correct result.

Uses the image that the container check has built. Exit 0: passed; 1: failed; 77: cannot run here, with the reason.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

CHECK_DIR = Path(os.environ.get("CHECK_DIR", "/var/tmp/container-check"))  # where the check keeps images
MOST_S = 10.0
"""Longest stop: the grace period of 8 s and the time of the container engine."""

WORK = {20: "6765", 27: "196418", 32: "2178309", 34: "5702887"}
"""The submitted jobs: n and F(n), by double recursion, which takes from milliseconds to seconds."""


def engine() -> tuple[str, str] | None:
    """Returns the container engine that the check has used, and the image that it has built."""
    for name, image in (("podman", "localhost/offload:check"), ("docker", "offload:check")):
        if name == "podman" and (CHECK_DIR / "storage.conf").exists():
            os.environ["CONTAINERS_STORAGE_CONF"] = str(CHECK_DIR / "storage.conf")
            os.environ["CONTAINERS_CONF"] = str(CHECK_DIR / "containers.conf")
        if (
            shutil.which(name)
            and subprocess.run([name, "image", "inspect", image], capture_output=True, check=False).returncode == 0
        ):
            return name, image
    return None


class Container:
    """One container of the image, which the commands of the engine stop and start."""

    def __init__(self, command: str, image: str) -> None:
        self._command = command
        self._name = f"offload-stop-{os.getpid()}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        publish = f"127.0.0.1:{self.port}:8000"
        self._do("run", "-d", "--name", self._name, "-e", "OFFLOAD_INSECURE=1", "-p", publish, image)

    def _do(self, *arguments: str) -> str:
        done = subprocess.run([self._command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{self._command} {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def stop(self) -> float:
        """Returns the seconds that the stop took. Raises RuntimeError if the exit code is not 0."""
        started = time.monotonic()
        self._do("stop", "-t", "20", self._name)
        took = time.monotonic() - started
        code = self._do("inspect", self._name, "--format", "{{.State.ExitCode}}")
        if code != "0":
            raise RuntimeError(f"the container exited with {code}")
        return took

    def start(self) -> None:
        self._do("start", self._name)

    def remove(self) -> None:
        subprocess.run([self._command, "rm", "-f", "-v", "-t", "1", self._name], capture_output=True, check=False)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Returns status and body. Raises OSError or HTTPException if there is no response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def until(self, what: str, holds: Callable[[], bool], within_s: float = 60.0) -> None:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"waited {within_s:g} s for {what}")

    def ready(self) -> bool:
        return self.ask("GET", "/health/ready")[0] == 200


def submit(container: Container, chance: random.Random, ledger: dict[str, int], over: threading.Event) -> None:
    """Submits one job after the other and records the accepted ones: a client."""
    while not over.is_set():
        n = chance.choice(list(WORK))
        try:
            status, body = container.ask("POST", "/jobs/fibonacci?max_attempts=3", {"n": n, "algorithm": "recursive"})
        except (OSError, http.client.HTTPException):
            status, body = 0, b""
        if status == 202:
            ledger[json.loads(body)["id"]] = n
        over.wait(chance.random() * 0.4)


def run(container: Container, stops: int, chance: random.Random) -> None:
    ledger: dict[str, int] = {}
    over = threading.Event()
    clients = [
        threading.Thread(target=submit, args=(container, random.Random(chance.random()), ledger, over))  # noqa: S311
        for _ in range(4)
    ]
    container.until("the first start", container.ready)
    for client in clients:
        client.start()
    took = []
    try:
        for _ in range(stops):
            time.sleep(0.5 + 2 * chance.random())
            took.append(container.stop())
            container.start()
            container.until("the next start", container.ready)
    finally:
        over.set()
        for client in clients:
            client.join()
    states: Counter[str] = Counter()
    for job_id, n in ledger.items():
        container.until(f"the end of {job_id}", partial(ended, container, job_id), within_s=120)
        job = json.loads(container.ask("GET", f"/jobs/{job_id}")[1])
        states[job["state"]] += 1
        if job["state"] != "succeeded" or job["result"]["value"] != WORK[n] or job["attempt"] != 1:
            raise RuntimeError(f"after graceful stops each job must succeed in its first attempt, but: {job}")
    print(f"{stops} stops, the longest {max(took):.1f} s; {len(ledger)} jobs accepted, {dict(states)}")
    if max(took) > MOST_S:
        raise RuntimeError(f"a stop took {max(took):.1f} s, more than {MOST_S:g}")


def ended(container: Container, job_id: str) -> bool:
    status, body = container.ask("GET", f"/jobs/{job_id}?wait=10")
    if status == 404:
        raise RuntimeError(f"job {job_id} was accepted and is gone")
    return json.loads(body)["state"] not in {"queued", "running"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    options = parser.parse_args()
    found = engine()
    if found is None:
        print("SKIP: there is no image of the container check")
        return 77
    print(f"seed {options.seed}", flush=True)
    container = Container(*found)
    try:
        run(container, options.stops, random.Random(options.seed))  # noqa: S311
    except RuntimeError as error:
        print(f"FAIL: {error}", file=sys.stderr)
        return 1
    finally:
        container.remove()
    return 0


sys.exit(main())
