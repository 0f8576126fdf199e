"""What runs is what was submitted: of each type of parameter, what is stored, received and submitted again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import parameter_tasks
from tests.support.caller import Caller, answer
from tests.support.server import Server

JSON = {"content-type": "application/json"}
UUID4 = "123e4567-e89b-42d3-a456-426614174000"

NAMES = [
    name
    for name, found in vars(parameter_tasks).items()
    if getattr(found, "__module__", None) == parameter_tasks.__name__
    and callable(found)
    and not isinstance(found, type)
    and not name.startswith("_")
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    tasks = ", ".join(f"parameter_tasks:{name}" for name in NAMES)
    with Server(tmp_path_factory.mktemp("service"), lanes=1, tasks=tasks) as server:
        yield server.api


TABLE = [
    ("after", '{"m":2}', 120),
    ("before", '{"words":"a,b"}', "['a', 'b']"),
    ("hidden", '{"model":{"secret":2}}', 2),
    ("hidden", '{"model":{}}', 9),
    ("aliased", '{"model":{"sortBy":"name","direction":"down","Size":3}}', "name down 3 0"),
    ("whole-aliased", '{"sortBy":"name","direction":"down","Size":3}', "name down 3"),
    ("computed", '{"side":3}', 9),
    ("halved", '{"model":{"size":1}}', 0.5),
    ("from-range", '{"model":{"range":[3,5]}}', 2),
    ("pet", '{"pet":{"kind":"dog","tricks":["sit"]}}', "Dog(kind='dog', tricks=['sit'])"),
    ("pet", '{"pet":{"lives":1,"kind":"cat"}}', "Cat(kind='cat', lives=1)"),
    ("point", '{"point":{"x":1},"pair":[2]}', "Point(x=1, y=0) Pair(left=2, right='r')"),
    ("box", '{"box":{"height":1,"width":2.5}}', "{'width': 2.5, 'height': 1.0}"),
    ("enums", '{"colour":"blue","level":2}', "Colour.BLUE <Level.HIGH: 2>"),
    (
        "texts",
        f'{{"ident":"{UUID4.upper()}","when":"2026-11-22T10:00:00+01:00","span":"PT1M","where":"a/b"}}',
        "4 2026-11-22T10:00:00+01:00 60.0 b",
    ),
    ("sets", '{"words":["b","a","b"],"numbers":[2,1]}', "set ['a', 'b'] frozenset [1, 2]"),
    ("strict", '{"number":1}', 1),
    ("mapping", '{"counts":{"2":["x"],"1":[]}}', "{2: ['x'], 1: []} d"),
    ("exact", '{"price":"1.10"}', "1.10 0.0 None"),
    ("exact", '{"price":123456789012345678901234567890}', "123456789012345678901234567890 0.0 None"),
    ("exact", '{"price":100000000000000.37,"ratio":1.10,"anything":1.10}', "100000000000000.37 1.1 1.1"),
    ("exact", '{"price":1.10}', "1.10 0.0 None"),
    ("exact", '{"price":1,"ratio":-0.0,"anything":[1e2,-0.0]}', "1 -0.0 [100.0, -0.0]"),
]


@pytest.mark.parametrize(("task", "sent", "result"), TABLE)
def test_a_job_shows_and_runs_what_was_submitted(api: Caller, task: str, sent: str, result: object) -> None:
    """Also in a batch, and when what it shows is submitted again."""
    response = api.http.post(f"/jobs/{task}", content=sent, headers=JSON)
    job_id = answer(response, 202)["id"]
    assert f'"params":{sent},"priority"' in response.text
    assert api.succeeded(job_id)["result"] == result
    shown = api.http.get(f"/jobs/{job_id}").text
    assert f'"params":{sent},"priority"' in shown
    batch = f'{{"jobs":[{{"task":"{task}","params":{sent}}},{{"task":"{task}","params":{sent}}}]}}'
    batch_id = answer(api.http.post("/batches", content=batch, headers=JSON), 202)["id"]
    answer(api.http.get(f"/batches/{batch_id}", params={"wait": 30}), 200)
    members = api.get("/jobs", batch=batch_id)["jobs"]
    assert [(member["params"], member["result"]) for member in members] == [(json.loads(sent), result)] * 2


def test_only_blanks_and_needless_escapes_are_not_kept(api: Caller) -> None:
    sent = '{ "counts" : { "10" : [ "\\u00e4 \\"\\u2028\\ud83d\\ude00\\n" ] } ,\r\n\t"defaulted":"\\/ " }'
    response = api.http.post("/jobs/mapping", content=sent, headers=JSON)
    assert '"params":{"counts":{"10":["ä \\"\u2028😀\\n"]},"defaulted":"/ "},"priority"' in response.text
    assert api.succeeded(answer(response, 202)["id"])["result"] == "{10: ['ä \"\\u2028😀\\n']} / "


@pytest.mark.parametrize("sent", ['{"words":["a","a"],"words":["b"]}', '{"words":["\\ud800"]}', '{"words":["\\x"]}'])
def test_text_without_one_meaning_is_rejected(api: Caller, sent: str) -> None:
    problem = answer(api.http.post("/jobs/sets", content=sent, headers=JSON), 422)
    assert problem["type"] == "/problems/invalid-parameters"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jobs/sets", '{"words":[]}'),
        ("/batches", '{"jobs":[{"task":"sets","params":{"words":[]}}]}'),
        ("/batches/file-digest", '{"pattern":"no-such-file*"}'),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_a_byte_order_mark_is_ignored(api: Caller, path: str, body: str, content_type: str) -> None:
    """With and without the fast path; an empty body stays empty."""
    headers = {"content-type": content_type}
    plain = api.http.post(path, content=body, headers=headers)
    marked = api.http.post(path, content=f"\ufeff{body}", headers=headers)
    assert marked.status_code == plain.status_code
    assert marked.json().keys() == plain.json().keys()
    assert marked.json().get("detail") == plain.json().get("detail")
    assert "The body is empty" in answer(api.http.post(path, content="\ufeff", headers=headers), 422)["detail"]


@pytest.mark.parametrize(
    ("task", "sent", "place", "says"),
    [
        ("broken", '{"key":2}', ["key"], "KeyError: 2"),
        ("broken", '{"key":1,"zero":0}', ["zero"], "ZeroDivisionError"),
        ("broken", '{"attribute":1}', ["attribute"], "AttributeError"),
        ("broken", '{"deep":1}', ["deep"], "RecursionError"),
        ("broken", '{"leaves":1}', ["leaves"], "SystemExit: 1"),
        ("broken", '{"checked":{"low":1}}', ["checked"], "ZeroDivisionError"),
        ("broken-whole", '{"low":2,"high":2}', [], "ZeroDivisionError"),
        ("with-broken-cost", '{"numerator":1,"denominator":0}', [], "cost function fails"),
        ("with-broken-cost", '{"numerator":0}', [], "NaN"),
    ],
)
def test_whatever_a_validator_or_a_cost_function_raises_names_the_parameter(
    api: Caller, task: str, sent: str, place: list[str], says: str
) -> None:
    problem = answer(api.http.post(f"/jobs/{task}", content=sent, headers=JSON), 422)
    assert problem["type"] == "/problems/invalid-parameters"
    assert problem["errors"][0]["loc"] == ["body", *place]
    assert says in problem["errors"][0]["msg"]
    batch = f'{{"jobs":[{{"task":"broken","params":{{}}}},{{"task":"{task}","params":{sent}}}]}}'
    problem = answer(api.http.post("/batches", content=batch, headers=JSON), 422)
    assert problem["errors"][0]["loc"] == ["body", "jobs", 1, "params", *place]
    assert says in problem["errors"][0]["msg"]


def test_a_result_is_as_its_schema_says_or_an_error_names_the_place(api: Caller) -> None:
    assert set(api.get("/tasks/returns")["result"]["properties"]) == {"N", "extra"}
    assert api.succeeded(api.submit("returns", {"what": "alias"})["id"])["result"] == {"N": 1, "extra": None}
    for what, says in (
        ("keys", 'result.extra (dict): two keys of a dict are both written as "1"'),
        ("place", "extra[2]"),
    ):
        job = api.failed(api.submit("returns", {"what": what})["id"], "result-not-serializable")
        assert says in job["error"]["detail"]


def test_a_key_stands_for_the_same_request_after_a_restart(tmp_path: Path) -> None:
    """Python iterates over a set in another order in each process."""
    words = [f"word{number}" for number in range(50)]
    sent = json.dumps({"words": words, "numbers": [1]})
    reordered = json.dumps({"numbers": [1], "words": words}, separators=(",", ":"))
    batch = json.dumps({"jobs": [{"task": "sets", "params": {"words": words}}] * 2})
    with Server(tmp_path, lanes=1, tasks="parameter_tasks:sets") as server:

        def post(path: str, content: str) -> str:
            response = server.api.http.post(path, content=content, headers={**JSON, "Idempotency-Key": f"k{path}"})
            return str(answer(response, 202)["id"])

        job, jobs = post("/jobs/sets", sent), post("/batches", batch)
        for _ in range(2):
            server.stop()
            server.start()
            assert {post("/jobs/sets", sent), post("/jobs/sets", reordered)} == {job}
            assert post("/batches", batch) == jobs
        other = json.dumps({"words": words[1:], "numbers": [1]})
        problem = answer(
            server.api.http.post("/jobs/sets", content=other, headers={**JSON, "Idempotency-Key": "k/jobs/sets"}), 422
        )
        assert problem["type"] == "/problems/idempotency-key-reused"
