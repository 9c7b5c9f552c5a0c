"""Entity tags are compared as RFC 9110 says."""

import pytest

from services.platform.entity_tags import tag_matches


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"'])
@pytest.mark.parametrize("wanted", ['"1"', 'W/"1"', '"0", W/"1"', "*"])
def test_a_tag_is_found_whether_it_is_weak_or_not(wanted: str, tag: str) -> None:
    assert tag_matches(wanted, tag)
    assert not tag_matches('"2", W/"3"', tag)
