"""The configuration, rules and dashboard of docs/monitoring, with a real Prometheus and a real service."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Caller
from tests.support.prometheus import MONITORING, RULES, Prometheus, prometheus, promtool
from tests.support.server import Server
from tests.support.waiting import until_sync

DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana.json").read_text())

VARIABLES = {"$instance": ".*", "$task": ".*", "$__rate_interval": "1m", "${datasource}": "offload"}
"""The values that Grafana would insert."""


def expressions() -> list[tuple[str, str]]:
    """Returns every expression of the dashboard, with the title of its panel."""
    found = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [(title, _filled(expression)) for title, expression in found]


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose metrics all have values."""
    with Server(tmp_path_factory.mktemp("service")) as server:
        _busy(server.api)
        yield server


def _busy(api: Caller) -> None:
    for _ in range(3):
        api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    api.failed(api.submit("refuse", {"text": "no"})["id"], "task-raised")
    api.failed(api.submit("crash", {}, max_attempts=1)["id"], "worker-died")
    spinning = api.submit("spin", {})["id"]
    api.lane_of(spinning)
    api.cancel(spinning)
    api.submit("fibonacci", {"n": -1}, expect=422)
    api.idle_lanes()


@pytest.fixture(scope="module")
def watching(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), str(server.api.http.base_url)) as running:
        yield running


def test_promtool_finds_no_fault_in_the_metrics(server: Server) -> None:
    assert promtool("check", "metrics", text=server.api.http.get("/metrics").text) == ""


def test_the_configuration_and_the_rules_load() -> None:
    promtool("check", "config", MONITORING / "prometheus.yml")
    promtool("check", "rules", RULES)


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    tests = Path(__file__).with_name("alerts.test.yml")
    promtool("test", "rules", tests)
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    assert set(re.findall(r"alertname: (\w+)", tests.read_text())) == alerts


def test_every_panel_of_the_dashboard_has_data(server: Server, watching: Prometheus) -> None:
    for title, expression in expressions():

        def shows(expression: str = expression) -> list[dict[str, Any]]:
            _busy(server.api)  # a rate needs new samples
            return watching.ask(expression)

        if not watching.ask(expression):
            until_sync(shows, within=30, what=f"{title}: {expression}")


def test_the_dashboard_has_a_variable_data_source_and_each_panel_a_description() -> None:
    assert DASHBOARD["uid"] == "offload"
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert [panel["title"] for panel in panels if not panel["description"]] == []
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_no_alert_fires_for_a_healthy_service(watching: Prometheus) -> None:
    def evaluated() -> dict[str, str] | None:
        rules = watching.rules()
        healthy = all(rule["health"] == "ok" for rule in rules.values())
        return {name: rule["state"] for name, rule in rules.items()} if healthy else None

    states = until_sync(evaluated, within=30, what="all rules to have been evaluated")
    assert [name for name, state in states.items() if state == "firing"] == []
