"""What on a page is wider than the screen."""

from playwright.sync_api import Page

WIDER = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const wider = [...document.querySelectorAll("body *")].filter(
    (element) => element.getBoundingClientRect().right > room);
  return [document.documentElement.scrollWidth + " > " + room, ...wider.map(
    (element) => element.tagName + " " + (element.textContent || "").trim().slice(0, 40))];
}"""


def overflow(page: Page) -> list[str]:
    """Return the elements that reach past the right edge, or nothing where the page fits.

    A heading of a page that a click leads to is found before its style sheets have come.
    """
    page.wait_for_load_state()
    return page.evaluate(WIDER)
