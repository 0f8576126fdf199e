"""Each parser of what clients send, ours and those that we call, by the module that uses it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry import propagate
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from offload.api.batches.body import ReadContext, read_batch
from offload.api.contract import times
from offload.api.contract.header_parameters import file_name, form_text, header_parameters, header_text
from offload.api.contract.queries import ListQuery, read_query
from offload.api.contract.request_headers import accepts, checked_key, preferred_wait
from offload.api.digests.batches import VerifyQuery
from offload.api.digests.upload import read_fields
from offload.api.files.digest_headers import BodyDigests
from offload.api.files.multipart import is_multipart, read_parts
from offload.api.files.receiving import display_name
from offload.api.jobs.options import SubmitQuery
from offload.api.jobs.responses import none_match
from offload.api.jobs.submit import task_not_found
from offload.api.operations import events
from offload.api.transport import cross_site, framing, prefix, ranges, request_body
from offload.api.transport.incremental_json import JsonText
from offload.digests.manifests import escaped, read_manifest
from offload.digests.opening import path_components
from offload.digests.patterns import compile_pattern
from offload.digests.task import FileDigest
from offload.tasks.registry import RegistrySpec, load_registry

REGISTRY = load_registry(RegistrySpec())


class Parser(NamedTuple):
    """A function that reads a text, and beginnings of texts that it accepts."""

    read: Callable[[str], object]
    prefixes: Sequence[str] = ()
    shorter: int = 1
    """By how much its texts are shorter than those of other parsers: this one compiles each."""


def _raw(text: str) -> bytes:
    return text.encode("latin-1")


def _headers(name: str, text: str) -> Headers:
    return Headers(raw=[(name.encode(), _raw(text))])


def _request(name: str, text: str) -> Request:
    return Request({"type": "http", "headers": [(name.encode(), _raw(text))]})


def _run(coroutine: Coroutine[Any, Any, object]) -> None:  # Any: what it awaits and is sent
    """Runs a coroutine that waits for nothing. An event loop would be work that is not the parser's."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


def _read_form(body: str, content_type: str = "multipart/form-data; boundary=b") -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield _raw(body)

    async def read() -> None:
        async for _ in read_parts(chunks(), content_type):
            pass

    _run(read())


def _read_batch(text: str) -> None:
    _run(read_batch(text.encode(), ReadContext(registry=REGISTRY, owner=None, most=1 << 20)))


async def _no_app(_: object, __: object, ___: object) -> None:
    """An application behind a middleware that is not called."""


def _ends_within(text: str) -> bool:
    return JsonText(text).ends_within(1 << 20)


DISPOSITION = ('a; a="', "a; filename*", "a; filename*=utf-8''", "a;a=")
JSON = ('{"n":', '{"n":"', '{"jobs":[{"params":', '{"jobs":[{"params":"', "[")

PARSERS: Mapping[str, Sequence[Parser]] = {
    "api.batches.body": [Parser(_read_batch, JSON)],
    "api.contract.header_parameters": [
        Parser(lambda text: header_parameters(_raw(text)), DISPOSITION),
        Parser(lambda text: file_name(header_parameters(_raw(text)), header_text), DISPOSITION),
        Parser(lambda text: form_text(_raw(text))),
    ],
    "api.contract.queries": [
        Parser(lambda text: read_query(ListQuery, _raw(text)), ("label=", "limit=", "cursor=1-", "created_after=")),
        Parser(
            lambda text: read_query(SubmitQuery, _raw(text)), ("label=", "timeout_s=", "timeout_s=1.", "priority=1")
        ),
        Parser(lambda text: read_query(VerifyQuery, _raw(text)), ("algorithm=",)),
    ],
    "api.contract.request_headers": [
        Parser(preferred_wait, ('a="', "wait=", 'wait="')),
        Parser(checked_key),
        Parser(lambda text: accepts(_headers("accept", text), "text/html"), ("text/html;", "text/html;q=0.")),
    ],
    "api.contract.times": [Parser(times.read, ("2026-11-22T09:00:00", "2026-11-22T09:00:00.0"))],
    "api.digests.upload": [
        Parser(lambda text: read_fields({"expected": [text]}), ("{", "md5:")),
        Parser(lambda text: read_fields({"algorithms": [text]})),
        Parser(lambda text: read_fields({text: [""]})),
    ],
    "api.files.digest_headers": [
        Parser(lambda text: BodyDigests(_headers("content-digest", text)), ("sha-256=:", "sha-256=:AAAA:", "a"))
    ],
    "api.files.multipart": [
        Parser(is_multipart),
        Parser(lambda text: _read_form("", text), ('multipart/form-data; boundary="', "multipart/form-data; a")),
        Parser(
            _read_form,
            ("--b\r\nContent-Disposition: a; name=", "--b\r\na:", "--b\r\nContent-Disposition: a; name=b\r\n\r\n"),
        ),
        Parser(
            lambda text: _read_form(text, f"multipart/form-data; boundary={'-' * 70}"), ("-" * 72 + "\r\na:b\r\n\r\n",)
        ),
    ],
    "api.files.receiving": [Parser(display_name)],
    "api.jobs.responses": [Parser(lambda text: none_match(text, b'"x"'), ('"', "W/"))],
    "api.jobs.submit": [Parser(lambda text: task_not_found(REGISTRY, text), ("fib",))],
    "api.operations.docs": [  # Starlette's files
        Parser(lambda text: FileResponse._parse_range_header(text, 1000), ("bytes=", "bytes=1-")),  # all that reads it
        Parser(
            lambda text: StaticFiles().is_not_modified(_headers("etag", '"x"'), _headers("if-none-match", text)), ('"',)
        ),
        Parser(
            lambda text: StaticFiles().is_not_modified(
                _headers("last-modified", "Sun, 22 Nov 2026 09:00:00 GMT"), _headers("if-modified-since", text)
            ),
            ("Sun, 22 Nov 2026 ", "Sun, "),
        ),
    ],
    "api.operations.events": [
        Parser(lambda text: events._position("1", text), ("1-", "1-1"))
    ],  # the route needs a service
    "api.transport.authentication": [Parser(lambda text: text.partition(" ")[2].strip(), ("bearer ",))],
    "api.transport.cross_site": [
        Parser(lambda text: cross_site.rejection("POST", [(b"host", _raw(text))], ()), ("[", "a:", "::1")),
        Parser(lambda text: cross_site.rejection("POST", [(b"host", b"x"), (b"origin", _raw(text))], ()), ("http://",)),
    ],
    "api.transport.framing": [
        Parser(lambda text: framing.body_length([(b"host", _raw(text))], "1.1")),
        Parser(lambda text: framing.body_length([(b"transfer-encoding", _raw(text))], "1.1"), ("chunked",)),
    ],
    "api.transport.incremental_json": [Parser(_ends_within, JSON), Parser(lambda text: JsonText(text).raw(), JSON)],
    "api.transport.prefix": [
        Parser(prefix._ROOT_PATH.fullmatch, ("/",)),  # the middleware does nothing else with it
        Parser(prefix.ProxyHeaders(_no_app, "127.0.0.1").trusted_hosts.get_trusted_client_address, ("::1,",)),
    ],
    "api.transport.ranges": [
        Parser(lambda text: ranges.wanted(text, None, "", 1000), ("bytes=", "bytes=1", "bytes=1-"))
    ],
    "api.transport.request_body": [
        Parser(request_body._check_type, ("application/json;", "application/json;charset=")),  # the rest reads the body
        Parser(lambda text: request_body.reject_encoded(_request("content-encoding", text)), ("identity,",)),
        Parser(lambda text: request_body.announces_too_much(_request("content-length", text), 1)),
    ],
    "digests.manifests": [
        Parser(
            lambda text: read_manifest(text.encode(), most=1000),
            ("SHA256 (", "SHA256 (a) = ", "\\" + "0" * 64 + "  ", "0" * 64 + " ", "0"),
        ),
        Parser(lambda text: escaped(text.encode())),
    ],
    "digests.opening": [Parser(path_components, ("a/",))],
    "digests.patterns": [Parser(compile_pattern, ("a/", "["), shorter=2)],
    "digests.task": [
        Parser(lambda text: FileDigest.model_validate({"path": "a", "expected": {"sha256": text}})),
        Parser(lambda text: FileDigest.model_validate({"path_base64": text})),
    ],
    "tasks.strict_json": [Parser(lambda text: REGISTRY["fibonacci"].parse(text.encode()), JSON)],
    "tracing": [
        Parser(lambda text: propagate.extract({"traceparent": text}), ("00-",)),
        Parser(
            lambda text: propagate.extract({"traceparent": f"00-{1:032x}-{1:016x}-01", "tracestate": text}), ("a=",)
        ),
        Parser(lambda text: propagate.extract({"baggage": text}), ("a=b;",)),
    ],
}

NO_INPUT: Mapping[str, str] = {
    "api.batches.schema": "describes the API",
    "api.contract.addresses": "writes addresses; the prefix has been checked",
    "api.contract.links": "describes the API",
    "api.contract.openapi": "describes the API",
    "api.contract.problem_pages": "writes our own texts",
    "api.contract.problems": "writes problems",
    "api.contract.validation": "writes messages, cut to a length",
    "api.digests.batches": "the body is read by pydantic",
    "api.digests.manifests": "writes manifests",
    "api.batches.views": "writes views",
    "api.jobs.logs": "writes logs",
    "api.jobs.views": "writes views",
    "api.operations.exposition": "writes metrics",
    "api.operations.page": "writes the page",
    "api.operations.rejections": "counts",
    "api.transport.connection": "finds the end of a head; see tests/abuse/test_connections.py",
    "api.transport.fast_path": "takes the last segment of a path",
    "digests.batches": "reads names that the walk found",
    "digests.reports": "reads what it wrote",
}
"""Modules that look like parsers, and why they are none."""
