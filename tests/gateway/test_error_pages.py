"""Pages instead of problem documents, for browsers."""

import pytest

from tests.conftest import Hub

BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("address", "parameter", "without"),
    [
        ("/?lang=xx", "lang", "/"),
        ("/?lang=", "lang", "/"),
        ("/status?lang=xx&x=1", "lang", "/status?x=1"),
        ("/kelola/masuk?lang=xx", "lang", "/kelola/masuk"),
        ("/dasbor?tahun=abc&lang=en", "tahun", "/dasbor?lang=en"),
        ("/layanan/ktp-el?case=Hi%20lang", "case", "/layanan/ktp-el"),
    ],
)
def test_a_wrong_parameter_is_named_and_no_missing_address(
    shared: Hub, address: str, parameter: str, without: str
) -> None:
    page = shared.client.get(address, headers=BROWSER)
    assert page.status_code == 422
    assert f"<code>{parameter}</code>: " in page.text
    assert f'<a href="{without}">' in page.text
    assert shared.client.get(without, headers=BROWSER).status_code == 200
    problem = shared.client.get(address, headers={"Accept": "application/json"})
    assert (problem.status_code, [one["parameter"] for one in problem.json()["errors"]]) == (
        422,
        [parameter],
    )


def test_the_last_of_two_languages_is_that_of_the_page(shared: Hub) -> None:
    assert '<html lang="en"' in shared.client.get("/?lang=xx&lang=en", headers=BROWSER).text


def test_a_path_that_no_page_can_have_does_not_exist(shared: Hub) -> None:
    for address in ("/layanan/Tidak%20Ada", "/aduan/x%00y", "/kelola/kasus/bukan-id"):
        assert shared.client.get(address, headers=BROWSER).status_code in {303, 404}
