"""Addresses of databases: what is read, and that an error names the part and no secret."""

import string
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from services.platform.database_address import (
    DatabaseAddress,
    DatabaseAddressError,
    Host,
    parse_database_address,
)
from services.platform.settings import Settings

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1)
NAMES = st.text(string.ascii_lowercase + string.digits + ".-", min_size=1)
HOSTS = st.builds(Host, NAMES, st.integers(1, 65535))


def read(url: str, **environment: str) -> DatabaseAddress:
    return parse_database_address(url, environment)


@pytest.mark.slow
@given(TEXTS, TEXTS, TEXTS, st.lists(HOSTS, min_size=1, max_size=4))
def test_what_is_encoded_is_read_as_it_was(
    user: str, password: str, database: str, hosts: list[Host]
) -> None:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    places = ",".join(map(str, hosts))
    address = read(f"postgresql://{login}@{places}/{quote(database, safe='')}")
    assert (address.user, address.password, address.database) == (user, password, database)
    assert address.hosts == tuple(hosts)


@given(st.text(), st.text(string.printable))
def test_any_other_text_is_an_address_or_an_error(first: str, rest: str) -> None:
    for url in (first + rest, f"postgresql://{rest}"):
        with suppress(DatabaseAddressError):
            assert read(url).hosts


def test_hosts() -> None:
    assert read("postgresql://h/db").hosts == (Host("h", 5432),)
    assert read("postgres://u@[::1]:6432,b/db").hosts == (Host("::1", 6432), Host("b", 5432))
    assert read("postgresql+asyncpg://a,b:2/db?port=7").hosts == (Host("a", 7), Host("b", 2))
    assert read("postgresql://u:@/db?host=/run/my%20folder").hosts == (Host("/run/my folder"),)
    assert read("postgresql:///db?host=a:1&host=b:2").hosts == (Host("a", 1), Host("b", 2))
    assert read("postgresql://a,b/db").session_attributes == "read-write"
    assert read("postgresql://a,b?target_session_attrs=any").session_attributes == "any"
    assert read("postgresql:///db", PGHOST="a,b", PGPORT="1,2").hosts == (
        Host("a", 1),
        Host("b", 2),
    )


def test_parameters_come_from_the_url_and_then_from_the_environment(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.touch()
    address = read(
        f"postgresql://h/db?sslmode=verify-full&sslrootcert={roots}&connect_timeout=3"
        "&options=-c%20work_mem%3D8MB",
        PGSSLMODE="disable",
        PGUSER="u",
        PGPASSWORD="secret",
    )
    assert (address.tls_mode, address.connect_timeout) == ("verify-full", 3)
    assert (address.user, address.password) == ("u", "secret")
    assert address.options == "-c work_mem=8MB"
    assert str(roots).replace("/", "%2F") in address.arguments_for(Host("h"))["dsn"]
    assert address.arguments_for(Host("/run"))["ssl"] == "disable"
    assert read("postgresql://h/db", PGSSLMODE="require").tls_mode == "require"
    assert read("postgresql://h/db?ssl=true").tls_mode == "require"
    assert read("postgresql://h/db?ssl=verify-ca").tls_mode == "verify-ca"
    assert read("postgresql://h/db").tls_mode == "prefer"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("mysql://u:geheim@h/db", "begin with postgresql://"),
        ("postgresql://u:ge/heim@h/db", "write %2F"),
        ("postgresql://u:ge?heim@h/db", "write %2F"),
        ("postgresql://u:ge#heim@h/db", "write %2F"),
        ("postgresql://u:ge@heim@h/db", "write %2F"),
        ("postgresql://u:ge%heim@h/db", "the password has a %"),
        ("postgresql://u:geheim@h:port/db", "the port of a host must be a number"),
        ("postgresql://u:geheim@h:70000/db", "from 1 to 65535"),
        ("postgresql://u:geheim@[::1/db", "the host has a bracket"),
        ("postgresql://u:geheim@a,,b/db", "empty host"),
        ("postgresql://u:geheim@h/db?sslmode=on", "the parameter sslmode must be one of disable"),
        ("postgresql://u:geheim@h/db?ssl=yes", "the parameter sslmode must be one of"),
        ("postgresql://u:geheim@h/db?sslrootcert=/no/file", "the parameter sslrootcert must be"),
        ("postgresql://u:geheim@h/db?target_session_attrs=master", "target_session_attrs must be"),
        ("postgresql://u:geheim@h/db?connect_timeout=soon", "connect_timeout must be a number"),
        ("postgresql://u:geheim@h/db?pool=5", "the unknown parameter 'pool'; known are host"),
        ("postgresql://u:geheim@h/db?user=v", "the parameter user repeats"),
        ("postgresql://u:geheim@h/db?sslmode=allow&sslmode=allow", "the parameter sslmode twice"),
        ("postgresql://u:geheim@h/db?port=1,2", "the parameter port must have one port"),
        ("postgresql://u:%FF@h/db", "the password is not UTF-8"),
    ],
)
def test_an_error_names_the_part_and_no_secret(url: str, part: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(database_url=SecretStr(url))  # pyright: ignore[reportCallIssue]
    assert part in str(raised.value)
    assert "geheim" not in str(raised.value)
    assert "heim" not in str(raised.value)


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(read("postgresql://u:geheim@h/db"))


def test_an_error_names_the_variable() -> None:
    with pytest.raises(DatabaseAddressError, match="the variable PGSSLMODE must be one of"):
        read("postgresql://h/db", PGSSLMODE="on")


def test_a_second_address_takes_the_login_of_the_first() -> None:
    first = read("postgresql://u:p@pooler:6432/db")
    assert read("postgresql://server").completed_by(first) == DatabaseAddress(
        (Host("server"),), "u", "p", "db"
    )
    assert read("postgresql://o@server/x").completed_by(first).password is None
