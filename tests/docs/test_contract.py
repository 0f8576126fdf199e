"""docs/http.md is what the service describes."""

from tests.docs.contract import PAGE, page


def test_the_page_is_as_the_service_describes_itself() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
