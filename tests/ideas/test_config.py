"""Settings: who wins, and that every fault names the place where it stands."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import asdict

from offload.config import Config, load_config
from offload.errors import ConfigError
from offload.model import QueueSettings


def load(
    folder: Path,
    *,
    toml: str | None = None,
    environment: dict[str, str] | None = None,
    **arguments: Any,
) -> Config:
    """Load from a folder that has this file, with this environment and these arguments only."""
    if toml is not None:
        (folder / "offload.toml").write_text(toml, "utf-8")
    return load_config(arguments, environment or {}, folder)


# --- who wins


def test_without_any_source_the_defaults_stand(tmp_path: Path) -> None:
    assert load(tmp_path) == Config()


def test_an_argument_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        toml="slots = 1\nworkers = 2\nport = 3\nkeep = 4",
        environment={"OFFLOAD_SLOTS": "10", "OFFLOAD_WORKERS": "20"},
        slots=100,
    )

    assert (config.slots, config.workers, config.port, config.keep) == (100, 20, 3, 4)


def test_every_setting_has_a_variable_and_a_key(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "app": "tasks.py",
        "db": "jobs.db",
        "server": "http://127.0.0.1:9000",
        "worker": "off",
        "concurrency": 3,
        "capacity": 10,
        "keep": 1000,
        "slots": 7,
        "processes": 3,
        "max_frozen": 50,
        "workers": 2,
        "grace": 2.5,
        "lease": 12.0,
        "host": "::1",
        "port": 9000,
        "token": "secret",
        "allow_host": "a.example,b.example",
        "allow_origin": "https://a.example",
        "start_rate": "100/s",
        "access_log": "on",
    }
    environment = {f"OFFLOAD_{name.upper()}": str(value) for name, value in given.items()}
    toml = "\n".join(f"{name} = {value!r}" for name, value in given.items())

    assert set(given) == set(Config.__struct_fields__)
    assert asdict(load(tmp_path, environment=environment)) == given
    assert asdict(load(tmp_path, toml=toml)) == given
    assert asdict(load(tmp_path, **given)) == given


def test_an_argument_of_none_and_an_empty_variable_count_as_not_given(tmp_path: Path) -> None:
    config = load(tmp_path, environment={"OFFLOAD_PORT": ""}, slots=None)

    assert (config.port, config.slots) == (Config().port, Config().slots)


def test_zero_counts_as_given(tmp_path: Path) -> None:
    config = load(tmp_path, environment={"OFFLOAD_PORT": "0"}, concurrency=0)

    assert (config.port, config.concurrency) == (0, 0)


def test_the_queue_is_told_only_what_was_said(tmp_path: Path) -> None:
    assert load(tmp_path).queue == QueueSettings()
    assert load(tmp_path, capacity=5).queue == QueueSettings(limit=UNSET, capacity=5, keep=UNSET)


def test_a_variable_can_name_the_file(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("slots = 5", "utf-8")

    config = load(tmp_path, toml="slots = 6", environment={"OFFLOAD_CONFIG": str(other)})

    assert config.slots == 5


# --- faults


def fault(folder: Path, **sources: Any) -> str:
    """Load what cannot be loaded; return the sentence that is said."""
    with pytest.raises(ConfigError) as caught:
        load(folder, **sources)
    return str(caught.value)


def test_a_fault_of_an_argument_names_its_flag(tmp_path: Path) -> None:
    assert fault(tmp_path, slots="many") == "--slots: slots must be a whole number, not 'many'"


def test_a_flag_of_two_words_is_named_as_it_is_typed(tmp_path: Path) -> None:
    assert fault(tmp_path, allow_host=5).startswith("--allow-host: allow_host must be")


def test_a_fault_of_the_environment_names_its_variable(tmp_path: Path) -> None:
    said = fault(tmp_path, environment={"OFFLOAD_GRACE": "soon"})

    assert said == "the variable OFFLOAD_GRACE: grace must be a number, not 'soon'"


def test_a_fault_of_the_file_names_its_path(tmp_path: Path) -> None:
    said = fault(tmp_path, toml="port = [1, 2]")

    assert said.startswith(f"{tmp_path / 'offload.toml'}: port must be a whole number")


def test_a_fault_is_told_even_where_another_source_of_the_name_is_good(tmp_path: Path) -> None:
    said = fault(tmp_path, toml="slots = 4", environment={"OFFLOAD_SLOTS": "x"})

    assert "OFFLOAD_SLOTS" in said


@pytest.mark.parametrize(
    ("setting", "least"),
    [
        ("concurrency", 0),
        ("capacity", 0),
        ("keep", 0),
        ("slots", 1),
        ("workers", 0),
        ("grace", 0),
        ("lease", 3),
        ("port", 0),
    ],
)
def test_a_number_has_its_least_value(tmp_path: Path, setting: str, least: int) -> None:
    too_small: dict[str, Any] = {setting: least - 1}

    said = fault(tmp_path, **too_small)

    assert said == f"--{setting}: {setting} must be at least {least}, not {least - 1}"
    assert getattr(load_config({setting: least}, {}, tmp_path), setting) == least


@pytest.mark.parametrize("value", ["2.5", "true", "null", "", " ", "0x10", "\uff13"])
def test_what_is_no_whole_number_is_refused(tmp_path: Path, value: str) -> None:
    said = fault(tmp_path, slots=value)

    assert said.startswith("--slots: slots must be a whole number, not ")


def test_an_unknown_key_is_named_with_the_nearest_setting(tmp_path: Path) -> None:
    said = fault(tmp_path, toml="capcity = 5")

    assert said == (
        f"{tmp_path / 'offload.toml'}: there is no setting 'capcity'; did you mean 'capacity'?"
    )


def test_an_unknown_key_that_resembles_nothing_is_only_named(tmp_path: Path) -> None:
    said = fault(tmp_path, toml="zzz = 5")

    assert said.endswith("there is no setting 'zzz'")


def test_a_file_that_is_named_and_missing_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "gone.toml"

    said = fault(tmp_path, environment={"OFFLOAD_CONFIG": str(missing)})

    assert said == f"there is no file {missing}, which OFFLOAD_CONFIG names"


@pytest.mark.parametrize("content", [b"slots = ", b"\xff\xfe", b"slots = 1\nslots = 2"])
def test_a_file_that_is_no_toml_is_a_fault(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "offload.toml"
    file.write_bytes(content)

    said = fault(tmp_path)

    assert said.startswith(f"{file} cannot be read: ")


def test_a_folder_in_the_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "offload.toml").mkdir()

    assert "cannot be read" in fault(tmp_path)


@pytest.mark.parametrize("setting", ["grace", "lease"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_duration_is_a_finite_number(tmp_path: Path, setting: str, value: str) -> None:
    assert f"--{setting}: {setting} must be" in fault(tmp_path, **{setting: value})


def test_a_word_that_is_not_offered_is_told_with_those_that_are(tmp_path: Path) -> None:
    said = fault(tmp_path, environment={"OFFLOAD_WORKER": "on"})

    assert said == "the variable OFFLOAD_WORKER: worker must be 'auto' or 'off', not 'on'"


def test_a_port_that_no_machine_has_is_refused(tmp_path: Path) -> None:
    assert "--port: port must be" in fault(tmp_path, port=65_536)
