"""What the environment sets: names, subnets, languages, and what is refused in one line."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UsageError
from lab.report.error import error_line
from lab.settings import HOSTS, KNOWN_HOSTS, ROOT, Settings, read_settings
from lab.text.catalog import LANGUAGES, choose_language
from tests.spellings import SPELLINGS, UNKNOWN


def refused(**environment: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        read_settings(environment)
    for language in LANGUAGES:
        assert next(iter(environment.values())) in error_line(error.value, language)
    return error.value


def test_an_empty_environment_gives_the_articles_addresses() -> None:
    settings = read_settings({})

    assert settings.addresses == {
        "server": "192.168.1.102", "client": "192.168.1.101", "server2": "192.168.1.103", "site1": "192.168.1.111",
        "site2": "192.168.1.112", "site3": "192.168.1.113", "browser": "192.168.1.121",
    }  # fmt: skip
    assert (settings.name, settings.language, settings.runs) == ("socketlab", "en", ROOT / "runs")
    assert [settings.container(host) for host in HOSTS] == ["socketlab-server", "socketlab-client"]


def test_an_empty_variable_is_as_none() -> None:
    assert read_settings({"LAB_NAME": "", "LAB_SUBNET": "", "LAB_LANG": "", "LAB_RUNS": ""}) == read_settings({})


def test_one_variable_moves_all_hosts() -> None:
    settings = read_settings({"LAB_SUBNET": "10.9.8.0/25"})
    environment = settings.compose_environment()

    assert {address.rpartition(".")[0] for address in settings.addresses.values()} == {"10.9.8"}
    assert environment["LAB_SUBNET"] == "10.9.8.0/25"
    assert environment["LAB_SERVER_ADDRESS"] == "10.9.8.102"
    assert {host: environment[f"LAB_{host.upper()}_ADDRESS"] for host in KNOWN_HOSTS} == settings.addresses


def test_runs_are_kept_where_asked() -> None:
    assert read_settings({"LAB_RUNS": "/tmp/elsewhere"}).runs == Path("/tmp/elsewhere")  # noqa: S108


@pytest.mark.parametrize(
    "subnet", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "192.168.7.128/25"]
)
def test_every_private_subnet_large_enough_is_taken(subnet: str) -> None:
    addresses = read_settings({"LAB_SUBNET": subnet}).addresses.values()

    assert all(ipaddress.IPv4Address(address) in ipaddress.IPv4Network(subnet) for address in addresses)
    assert len(set(addresses)) == len(KNOWN_HOSTS)


@pytest.mark.parametrize(
    "subnet",
    [
        "home",
        "10.9.8",
        "10.9.8.0/33",
        "10.9.8.1/24",
        "10.9.8.0/",
        "300.0.0.0/24",
        "fd00::/64",
        "10.9.8.0/24 ",
        "/",
        "10.9.8.0/-1",
    ],
)
def test_a_malformed_subnet_is_refused(subnet: str) -> None:
    with pytest.raises(UsageError) as error:
        read_settings({"LAB_SUBNET": subnet})
    assert error.value.code == "subnet-malformed"
    assert error.value.exit_code == 2


@pytest.mark.parametrize("subnet", ["10.9.8.0/26", "192.168.1.0/30", "10.0.0.1/32", "10.9.8.7"])
def test_a_subnet_without_room_for_101_and_102_is_refused(subnet: str) -> None:
    assert refused(LAB_SUBNET=subnet).code == "subnet-too-small"


@pytest.mark.parametrize(
    "subnet", ["8.8.8.0/24", "0.0.0.0/0", "127.0.0.0/24", "169.254.0.0/16", "224.0.0.0/24", "172.32.0.0/24"]
)
def test_a_subnet_that_is_not_private_is_refused(subnet: str) -> None:
    assert refused(LAB_SUBNET=subnet).code == "subnet-public"


@pytest.mark.parametrize("name", ["a", "0", "my-lab_2", "x" * 32])
def test_a_name_is_taken(name: str) -> None:
    assert read_settings({"LAB_NAME": name}).name == name


@pytest.mark.parametrize("name", ["-a", "_a", "A", "a b", "a/b", "x" * 33, "ä", "a\n", "$(id)", "a:b", "a.b"])
def test_a_name_that_the_engine_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as error:
        read_settings({"LAB_NAME": name})
    assert error.value.code == "lab-name"
    assert "\n" not in error_line(error.value, "en")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LAB_LANG": "zh-CN"}, "zh-CN"),
        ({"LAB_LANG": "zh_cn"}, "zh-CN"),
        ({"LAB_LANG": "EN", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_US"}, "zh-CN"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_locales(environment: dict[str, str], language: str) -> None:
    assert read_settings(environment).language == language
    assert choose_language(environment) == language


@pytest.mark.parametrize(("value", "recorder"), [("", True), ("1", True), ("0", False)])
def test_the_recorder_is_there_unless_it_is_switched_off(value: str, *, recorder: bool) -> None:
    assert read_settings({"LAB_RECORDER": value}).recorder is recorder


@pytest.mark.parametrize("value", ["no", "2", "00", "off", " "])
def test_a_switch_that_is_neither_is_refused(value: str) -> None:
    assert refused(LAB_RECORDER=value).code == "recorder-malformed"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_spelling_of_a_language_is_understood(spelling: str) -> None:
    assert read_settings({"LAB_LANG": spelling, "LANG": "de_DE.UTF-8"}).language == SPELLINGS[spelling]
    assert choose_language({"LANG": spelling}) == SPELLINGS[spelling]


@pytest.mark.parametrize("language", UNKNOWN)
def test_an_unknown_language_is_refused_in_the_language_of_the_locale(language: str) -> None:
    error = refused(LAB_LANG=language)
    assert (error.code, error.exit_code) == ("language-unknown", 2)
    assert error_line(error, "en") == f"lab: LAB_LANG={language} is not a language of the lab. Use one of: en, zh-CN."
    assert choose_language({"LAB_LANG": language}) == "en"
    assert choose_language({"LAB_LANG": language, "LANG": "zh_CN.UTF-8"}) == "zh-CN"


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True), min_size=2, max_size=40, unique=True))
def test_labs_of_different_names_have_different_links_short_enough_for_the_kernel(names: list[str]) -> None:
    bridges = [Settings(name, ipaddress.IPv4Network("10.0.0.0/24"), "en", ROOT).bridge for name in names]

    assert len(set(bridges)) == len(names)
    assert all(len(bridge) <= 15 for bridge in bridges)


@given(st.text())
def test_any_text_as_a_subnet_is_taken_or_refused_in_one_line(text: str) -> None:
    try:
        settings = read_settings({"LAB_SUBNET": text})
    except UsageError as error:
        assert "\n" not in error_line(error, "en")  # noqa: PT017
    else:
        assert settings.subnet.num_addresses >= 128
