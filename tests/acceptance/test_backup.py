"""A backup of a running service, taken as in docs/operating.md, contains every job that was accepted before."""

import re
import subprocess
import threading
from pathlib import Path

from tests.support.caller import Caller
from tests.support.server import Server

PAGE = (Path(__file__).parents[2] / "docs/operating.md").read_text()


def test_a_backup_holds_every_accepted_job_and_its_result(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```sh\n(mkdir -p -m 700 backup\b[^\n]*\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    accepted: list[str] = []
    enough, stop = threading.Event(), threading.Event()

    with Server(tmp_path) as server:
        api = Caller(server.url)

        def submit() -> None:
            while not stop.is_set():
                size = 100_000 if len(accepted) % 2 == 0 else 10  # half of the results go to files
                accepted.append(api.submit("blob", {"size": size, "seed": len(accepted)})["id"])
                if len(accepted) >= 200:
                    enough.set()

        submitting = threading.Thread(target=submit)
        submitting.start()
        assert enough.wait(60)
        before = list(accepted)
        for job_id in before[:50]:
            server.api.succeeded(job_id)
        for _ in range(5):
            subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True, timeout=60)
        stop.set()
        submitting.join()
        api.close()

    with Server(tmp_path / "restored", data_dir=str(tmp_path / "backup")) as restored:
        for seed, job_id in enumerate(before):
            job = restored.api.succeeded(job_id)
            assert len(restored.api.result(job_id)) == job["params"]["size"]
            assert job["params"]["seed"] == seed
