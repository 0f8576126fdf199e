"""The theme: the system's, or the one that the user chooses."""

from playwright.sync_api import Page, expect

from tests.page.conftest import Visit
from tests.support.server import Server

BRIGHTNESS = """() => {
  const {backgroundColor} = getComputedStyle(document.body);
  const paint = document.createElement("canvas").getContext("2d");
  paint.fillStyle = backgroundColor;
  paint.fillRect(0, 0, 1, 1);
  const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
  return (red + green + blue) / 765;
}"""


def is_dark(page: Page) -> bool:
    return float(page.evaluate(BRIGHTNESS)) < 0.5


def test_the_theme_is_that_of_the_system_until_another_is_chosen(visit: Visit, server: Server) -> None:
    light, dark = visit(server), visit(server, colours="dark")
    assert not is_dark(light)
    assert is_dark(dark)
    for choice, darkness in ("Light", False), ("Dark", True):
        dark.get_by_role("combobox", name="Theme").select_option(choice)
        assert is_dark(dark) is darkness
        dark.reload()
        expect(dark.get_by_role("combobox", name="Theme")).to_have_value(choice.lower())
        assert is_dark(dark) is darkness
    dark.emulate_media(color_scheme="light")
    assert is_dark(dark)
    dark.get_by_role("combobox", name="Theme").select_option("System")
    assert not is_dark(dark)
