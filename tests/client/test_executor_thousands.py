"""`RemoteExecutor` with more work than one request holds."""

import threading

from offload.client import Client, RemoteExecutor
from tests.client.test_executor import fibonacci
from tests.support.proxy import Proxy


def test_a_map_may_be_larger_than_a_batch(executor: RemoteExecutor, offload: Client) -> None:
    assert [result["n"] for result in executor.map(fibonacci, range(10_050))] == [*range(10_050)]
    assert sorted(batch.size for batch in offload.batches(limit=2)) == [50, 10_000]


def test_thousands_of_futures_wait_by_one_thread_and_one_stream(proxy: Proxy) -> None:
    with RemoteExecutor(proxy.url) as executor:
        futures = [executor.submit(fibonacci, n) for n in range(2000)]
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("offload-executor") == 1
        assert {future.result(60)["n"] for future in futures} == set(range(2000))
        assert sum(line.startswith("GET /events") for line in proxy.requests) <= 2  # the first one is a trial
