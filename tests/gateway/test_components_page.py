"""The page of the design system."""

from services.gateway.portal.icons import FILES
from services.gateway.portal.templating import TEMPLATES
from tests.conftest import Hub


def test_the_design_system_is_shown_and_not_for_search_engines(shared: Hub) -> None:
    page = shared.client.get("/komponen?lang=en")
    assert page.status_code == 200
    assert '<meta name="robots" content="noindex">' in page.text
    for part in ("--title", 'class="services"', "state-broken", "tick", "Ulos Bintang Maratur"):
        assert part in page.text


def test_every_vendored_icon_stands_on_a_page() -> None:
    templates = "".join(file.read_text() for file in TEMPLATES.rglob("*.html"))
    assert [name for name in FILES if f'icon("{name}")' not in templates] == []
