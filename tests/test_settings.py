"""Settings come from the environment, and what is unknown or wrong stops the start."""

from pathlib import Path

import pytest

from services.settings import Settings, WrongSetting, read


def test_without_any_the_defaults_hold() -> None:
    assert read({"HOME": "/root"}) == Settings()
    assert Settings().public_url == "http://127.0.0.1:8000"


def test_each_is_read_as_its_kind() -> None:
    found = read({"RESONANCE_DATA": "/srv/r", "RESONANCE_PORT": "81", "RESONANCE_BASE_URL": "https://f.example/"})
    assert (found.data, found.port, found.public_url) == (Path("/srv/r"), 81, "https://f.example")


@pytest.mark.parametrize(
    "environment",
    [
        {"RESONANCE_PROT": "80"},
        {"RESONANCE_DEMO": "1"},
        {"RESONANCE_PORT": "0"},
        {"RESONANCE_PORT": "secret"},
        {"RESONANCE_BASE_URL": "ftp://secret"},
        {"RESONANCE_SMTP_URL_FILE": "/nowhere/secret"},
    ],
)
def test_a_wrong_one_is_refused_by_its_name_without_its_value(environment: dict[str, str]) -> None:
    with pytest.raises(WrongSetting) as refused:
        read(environment)
    [name] = environment
    assert name in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_secret_can_come_from_a_file_but_not_twice(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("smtp://user:password@mail.example\n")
    given = {"RESONANCE_SMTP_URL_FILE": str(file)}
    assert read(given).smtp_url == "smtp://user:password@mail.example"
    assert "password" not in repr(read(given))
    with pytest.raises(WrongSetting, match="given twice"):
        read(given | {"RESONANCE_SMTP_URL": "smtp://other"})
