"""The environment becomes settings: what is unknown, twice or unusable stops the start, named without its value."""

from pathlib import Path

import pytest

from services.settings import Settings, WrongSetting, read

CANARY = "canary-7f3a"


def test_without_any_setting_a_network_is_served_on_this_machine_from_the_folder_data() -> None:
    settings = read({})
    assert settings == Settings()
    assert (settings.data, settings.network, settings.public_url) == (Path("data"), "main", "http://127.0.0.1:8000")
    assert not settings.smtp_url


def test_every_setting_is_read_from_the_variable_of_its_name() -> None:
    settings = read(
        {
            "RESONANCE_DATA": "/srv/resonance",
            "RESONANCE_NETWORK": "north",
            "RESONANCE_HOST": "0.0.0.0",
            "RESONANCE_PORT": "8080",
            "RESONANCE_BASE_URL": "https://resonance.example",
            "RESONANCE_SMTP_URL": "smtp://mail.example:587",
            "RESONANCE_MAIL_FROM": "notices@mail.example",
            "RESONANCE_POLICY": "default",
            "RESONANCE_INWARD_HOSTS": "ehr.local:8443,id.local",
            "RESONANCE_EVENTS_PER_MINUTE": "1000",
        }
    )
    assert settings == Settings(
        data=Path("/srv/resonance"),
        network="north",
        host="0.0.0.0",
        port=8080,
        base_url="https://resonance.example",
        smtp_url="smtp://mail.example:587",
        mail_from="notices@mail.example",
        policy="default",
        inward_hosts="ehr.local:8443,id.local",
        events_per_minute=1_000,
    )


def test_what_belongs_to_others_is_left_alone() -> None:
    assert read({"PATH": "/bin", "PORT": "1", "RESONANCE_KEY": "rsn_live_1"}) == Settings()


@pytest.mark.parametrize("name", ["RESONANCE_PROT", "RESONANCE_", "RESONANCE_NETWORK_FILE", "RESONANCE_KEY_FILE"])
def test_a_setting_that_does_not_exist_stops_the_start_and_is_named(name: str) -> None:
    with pytest.raises(WrongSetting, match=rf"^{name} is no setting$"):
        read({name: CANARY})


def test_that_all_data_is_made_up_cannot_be_said_by_the_environment() -> None:
    with pytest.raises(WrongSetting, match="RESONANCE_DEMO is no setting"):
        read({"RESONANCE_DEMO": "1"})


def test_a_setting_that_is_given_twice_stops_the_start(tmp_path: Path) -> None:
    secret = tmp_path / "smtp"
    secret.write_text("smtp://mail.example")
    with pytest.raises(WrongSetting, match=r"^RESONANCE_SMTP_URL is given twice$"):
        read({"RESONANCE_SMTP_URL": "smtp://other.example", "RESONANCE_SMTP_URL_FILE": str(secret)})
    with pytest.raises(WrongSetting, match=r"^RESONANCE_PORT is given twice$"):
        read({"RESONANCE_PORT": "8000", "RESONANCE_port": "8001"})


@pytest.mark.parametrize("port", ["1", "65535"])
def test_every_port_that_there_is_can_be_chosen(port: str) -> None:
    assert read({"RESONANCE_PORT": port}).port == int(port)


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "80.0", "http", " 80"])
def test_what_is_no_port_stops_the_start(port: str) -> None:
    with pytest.raises(WrongSetting, match=r"^RESONANCE_PORT is no number from 1 to 65535$"):
        read({"RESONANCE_PORT": port})


@pytest.mark.parametrize("number", ["999", "0", "-1", "1e6", "", "100000001"])
def test_a_quota_that_a_batch_would_not_fit_in_stops_the_start(number: str) -> None:
    with pytest.raises(WrongSetting, match=r"^RESONANCE_EVENTS_PER_MINUTE is no number from 1000 to 100000000$"):
        read({"RESONANCE_EVENTS_PER_MINUTE": number})


@pytest.mark.parametrize(
    "hosts, found",
    [
        ("", set()),
        ("ehr.local", {"ehr.local"}),
        ("EHR.local:8443,10.0.0.7,[fd00::1]:443", {"ehr.local:8443", "10.0.0.7", "[fd00::1]:443"}),
    ],
)
def test_hosts_of_the_own_network_are_a_list(hosts: str, found: set[str]) -> None:
    assert read({"RESONANCE_INWARD_HOSTS": hosts}).inward == found


@pytest.mark.parametrize("hosts", ["https://ehr.local", "ehr.local/", "ehr.local, id.local", "a,,b", ",a", "a:b", "*"])
def test_what_is_no_list_of_hosts_stops_the_start(hosts: str) -> None:
    with pytest.raises(WrongSetting, match=r"^RESONANCE_INWARD_HOSTS is no list of hosts$"):
        read({"RESONANCE_INWARD_HOSTS": hosts})


def test_a_secret_can_stand_in_a_file_and_is_read_without_the_space_around_it(tmp_path: Path) -> None:
    secret = tmp_path / "smtp"
    secret.write_text("smtp://ada:word@mail.example:587\n")
    assert read({"RESONANCE_SMTP_URL_FILE": str(secret)}).smtp_url == "smtp://ada:word@mail.example:587"


def test_a_file_that_cannot_be_read_stops_the_start_without_saying_where_or_what_it_is(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe" + CANARY.encode())
    for path in (tmp_path / CANARY, tmp_path, binary):
        with pytest.raises(WrongSetting) as error:
            read({"RESONANCE_SMTP_URL_FILE": str(path)})
        assert str(error.value) == "RESONANCE_SMTP_URL_FILE names a file that cannot be read"


def test_a_secret_is_not_shown_where_settings_are() -> None:
    assert CANARY not in repr(read({"RESONANCE_SMTP_URL": f"smtp://ada:{CANARY}@mail.example"}))


@pytest.mark.parametrize(
    "url", [f"postgresql//ada:{CANARY}@db/resonance", f"postgresql://ada:{CANARY}%zz@db/resonance"]
)
def test_what_is_no_address_of_a_database_stops_the_start_without_showing_its_password(url: str) -> None:
    with pytest.raises(WrongSetting, match=r"^RESONANCE_DATABASE_URL is no PostgreSQL address$"):
        read({"RESONANCE_DATABASE_URL": url})


@pytest.mark.parametrize(
    "given, public",
    [
        ({"RESONANCE_BASE_URL": "https://resonance.example/"}, "https://resonance.example"),
        ({"RESONANCE_BASE_URL": "https://clinic.example/resonance"}, "https://clinic.example/resonance"),
        ({"RESONANCE_BASE_URL": "", "RESONANCE_PORT": "8080"}, "http://127.0.0.1:8080"),
        ({"RESONANCE_HOST": "::1"}, "http://[::1]:8000"),
    ],
)
def test_letters_name_the_public_address_or_else_host_and_port(given: dict[str, str], public: str) -> None:
    assert read(given).public_url == public


@pytest.mark.parametrize(
    "url", ["resonance.example", "ftp://resonance.example", "https://", "https://[", "javascript:1"]
)
def test_what_is_no_web_address_stops_the_start(url: str) -> None:
    with pytest.raises(WrongSetting, match=r"^RESONANCE_BASE_URL is no http or https address$"):
        read({"RESONANCE_BASE_URL": url})


def test_a_file_of_codes_is_read_and_a_wrong_one_stops_the_start(tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[roles]\n"http://codes.example|lead" = "primary"\n')
    assert read({"RESONANCE_FHIR_CODES": str(own)}).codes().roles["http://codes.example", "lead"] == "primary"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f"{CANARY} = 1")
    for path in (wrong, tmp_path / CANARY):
        with pytest.raises(WrongSetting, match=r"^RESONANCE_FHIR_CODES is no file of codes$"):
            read({"RESONANCE_FHIR_CODES": str(path)})
