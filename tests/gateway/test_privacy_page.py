"""The page about personal data names what the inventory names, in both languages."""

import re
from html import unescape

import pytest

from services.platform.languages import Language
from services.platform.translation import translator
from services.privacy import PERSONAL_DATA, describe
from tests.conftest import Hub


@pytest.mark.parametrize("language", ["id", "en"])
def test_everything_held_about_people_is_named_with_purpose_end_and_readers(
    shared: Hub, language: Language
) -> None:
    answer = shared.client.get(f"/privasi?lang={language}")
    assert answer.status_code == 200
    page = unescape(re.sub(r"<[^>]+>", "\n", answer.text))
    for table in PERSONAL_DATA:
        described = describe(table, shared.settings, translator(language))
        for said in (
            described.data,
            described.purpose,
            described.basis,
            described.retention,
            described.readers,
        ):
            assert said in page
    assert "24 bulan" in page or language == "en"
    assert "%(" not in page
    assert "{" not in page


def test_every_page_links_to_it(shared: Hub) -> None:
    for path in ("/", "/aduan", "/survei", "/status"):
        assert 'href="/privasi"' in shared.client.get(path).text
    assert 'href="/privasi?lang=en"' in shared.client.get("/aduan?lang=en").text
