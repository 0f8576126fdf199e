"""docs/http.md is up to date with the OpenAPI document."""

from tests.docs.contract import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
