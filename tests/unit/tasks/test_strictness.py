"""Ambiguous parameters are rejected, and stored parameters are read back unchanged."""

import json
import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from offload.tasks.strict_json import DECODER, compact
from tests.unit.tasks.building import built_in, users_task

fibonacci = built_in("fibonacci")
anything = users_task("keyword_only")
many_types = users_task("many_types")
SINCE = datetime(1980, 1, 1)  # noqa: DTZ001  # offsets had seconds before, which RFC 3339 can't write


@pytest.mark.parametrize(
    "body",
    [
        b'{"n":true}',
        b'{"n":"1"}',
        b'{"n":1.5}',
        b'{"n":1.0}',
        b'{"n":1e9}',
        b'{"n":-1}',
        b'{"n":null}',
        b'{"n":NaN}',
        b'{"n":Infinity}',
        b'{"n":1' + b"0" * 5000 + b"}",
        b'{"n":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"n":1,"deep":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
        b"[" * 200_000,
        b'{"n":1,"n":2}',
        b'{"n":1,"m":2}',
        b'{"n":1,"format":"\xff"}',
        b'{"n":1,"format":"\\ud800"}',
        b'{"n":1,"\xed\xa0\x80":1}',
        b'{"n":1} {"n":2}',
        b"\xef\xbb\xbf" + b'{"n":1}',
        '{"n":1}'.encode("utf-16"),
        b"{'n':1}",
        b'{"n":01}',
        b"",
        b"null",
        b"[]",
        b"1",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError) as refused:
        fibonacci.parse(body)
    assert refused.value.errors(include_input=False, include_url=False)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"n":1,"n":2}', '"n" is given twice'),
        (b'{"ratio":1e999}', "1e999 does not"),
        (b'{"ratio":-1e999}', "-1e999 does not"),
        (b'{"ratio":NaN}', "JSON has no NaN"),
        (b'{"ratio":-Infinity}', "JSON has no -Infinity"),
    ],
)
def test_ambiguous_json_is_rejected_by_name(body: bytes, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        (fibonacci if b'"n"' in body else anything).parse(body)
    assert says in refused.value.errors()[0]["msg"]


HUGE = "1" + "0" * 400
LARGEST = int(1.7976931348623157e308)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"one":#}', ("one",)),
        ('{"one":-#}', ("one",)),
        ('{"some":[1,#]}', ("some", 1)),
        ('{"by_name":{"a":1,"b":#}}', ("by_name", "b")),
        ('{"tree":{"Weight":#}}', ("tree", "Weight")),
        ('{"tree":{"below":[{"below":[{"Weight":#}]}]}}', ("tree", "below", 0, "below", 0, "Weight")),
        ('{"span":{"low":#}}', ("span", "low")),
        ('{"box":{"width":1,"height":#}}', ("box", "height")),
        ('{"number_or_text":#}', ("number_or_text",)),
        ('{"distinct":[#]}', ("distinct", 0)),
    ],
)
@pytest.mark.parametrize("number", [HUGE, str(LARGEST * 10), "9" * 4300, "1e400", "1" * 400 + ".0", "NaN", "Infinity"])
def test_a_number_that_is_no_finite_float_is_rejected_where_it_is(
    body: str, place: tuple[str | int, ...], number: str
) -> None:
    if (number, body[7]) == ("NaN", "-"):
        return
    with pytest.raises(ValidationError) as refused:
        users_task("floats").parse(body.replace("#", number).encode())
    (error,) = refused.value.errors(include_input=False)
    assert error["loc"] == place


def test_a_key_that_is_no_finite_float_is_rejected() -> None:
    with pytest.raises(ValidationError, match="finite"):
        users_task("floats").parse(f'{{"by_number":{{"{HUGE}":1}}}}'.encode())


@pytest.mark.parametrize(
    "body",
    [
        f'{{"whole":{HUGE}}}',
        f'{{"whole_or_float":{HUGE}}}',
        f'{{"exact":"{HUGE}"}}',
        f'{{"anything":{HUGE}}}',
        f'{{"number_or_text":"{HUGE}"}}',
        f'{{"one":{LARGEST}}}',
        f'{{"one":1.5,"whole":{HUGE}}}',
    ],
)
def test_large_numbers_that_fit_their_type_are_kept(body: str) -> None:
    task = users_task("floats")
    params = task.read(body.encode())
    assert task.parse(params.text) == params.values


@pytest.mark.parametrize("body", [b'{"order":{"item":"a","item":"b"},"point":{"x":1}}'])
def test_a_nested_name_given_twice(body: bytes) -> None:
    with pytest.raises(ValidationError, match="given twice"):
        users_task("two_models").parse(body)


def test_one_of_many_names_given_twice() -> None:
    """To count each name separately would block the event loop for a minute with a hundred thousand names."""
    names = [*range(40_000), 39_999]
    begin = time.monotonic()
    with pytest.raises(ValueError, match='"39999" is given twice'):
        DECODER.decode("{" + ",".join(f'"{name}":0' for name in names) + "}")
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b' { "algorithm" : "recursive",\n"n" : 36 } ', b'{"algorithm":"recursive","n":36}'),
        (b'[ 1.10 , -0.0 ,\t1E3, "a b\\t\\"\\\\" , "\\u00e9" ]\r\n', '[1.10,-0.0,1E3,"a b\\t\\"\\\\","é"]'.encode()),
        (b'"\\ud800 \\/"', b'"\\ud800 /"'),
    ],
)
def test_compact_json_has_no_blanks_and_no_needless_escapes(body: bytes, text: bytes) -> None:
    assert compact(body) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_compact_json_is_as_python_writes_it(value: object, indent: int | str | None, ascii_only: bool) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert compact(written) == json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@given(st.integers(min_value=0, max_value=10**4000), st.none() | st.integers(min_value=2, max_value=2**5000))
def test_integers_of_any_size_are_kept(n: int, modulus: int | None) -> None:
    params = fibonacci.parse(json.dumps({"n": n, "modulus": modulus}).encode())
    assert fibonacci.signature.values(params)["params"].model_dump(include={"n", "modulus"}) == {
        "n": n,
        "modulus": modulus,
    }


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_floats_and_text_are_kept_to_the_last_bit(ratio: float, name: str) -> None:
    params = anything.parse(json.dumps({"ratio": ratio, "name": name}).encode())
    assert anything.signature.values(params) == {"ratio": ratio, "name": name}


@given(
    st.fixed_dictionaries(
        {
            "when": st.datetimes(SINCE, timezones=st.timezones()).map(lambda when: when.isoformat()),
            "day": st.dates().map(str),
            "amount": st.decimals(allow_nan=False, allow_infinity=False).map(str),
            "ident": st.uuids().map(str),
            "colour": st.sampled_from(["red", "blue"]),
            "where": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            "tags": st.lists(st.text()),
            "pair": st.tuples(st.integers(), st.text()),
        }
    )
)
def test_every_type_reads_back_as_it_was_stored(given_params: dict[str, Any]) -> None:
    params = many_types.read(json.dumps(given_params, indent=1).encode())
    assert many_types.parse(params.text) == params.values


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
def test_no_body_raises_another_exception(body: bytes) -> None:
    for task in (fibonacci, many_types):
        try:
            task.parse(body)
        except ValidationError:
            continue
