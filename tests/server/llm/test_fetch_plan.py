"""Which model is fetched on a machine, and why another one or none."""

from pathlib import Path

import pytest

from indexer.errors import StartError
from server.llm.catalogue import DEFAULT_MODEL, SMALL_MODEL, catalogue_model
from server.llm.fetch_plan import (
    DEFAULTS,
    SPARE_BYTES,
    Choice,
    NoneFits,
    asked_for,
    choose,
    free_disk,
    installed,
)
from server.llm.model_files import ModelNotFound, write_choice
from server.settings import ServerSettings

GIB = 1 << 30
PLENTY = 64 * GIB


def names(settings: ServerSettings, name: str) -> list[str]:
    return [model.name for model in asked_for(settings, name)[1]]


def lay(settings: ServerSettings, file: str, size: int) -> Path:
    """A file of this size, of which nothing is read."""
    settings.models_path.mkdir(parents=True, exist_ok=True)
    path = settings.models_path / file
    with path.open("wb") as out:
        out.truncate(size)
    return path


def test_nothing_is_fetched_that_nobody_asked_for(settings: ServerSettings) -> None:
    assert names(settings, "") == []


def test_by_default_a_small_model_and_a_smaller_one_where_it_does_not_fit(settings: ServerSettings) -> None:
    assert names(settings, "default") == names(settings, "Default") == [DEFAULT_MODEL, SMALL_MODEL]


def test_a_name_means_that_model_and_no_other(settings: ServerSettings) -> None:
    changed, models = asked_for(settings.model_copy(update={"model": "another"}), "Phi-3-Mini")
    assert [model.name for model in models] == ["phi-3-mini"]
    assert changed.model == "phi-3-mini"


@pytest.mark.parametrize(
    "already", [{"generator_url": "http://gpu:8080/v1"}, {"model": "mine"}, {"model": "none"}], ids=str
)
def test_where_another_model_is_named_the_default_is_not_fetched(
    settings: ServerSettings, already: dict[str, str]
) -> None:
    assert names(settings.model_copy(update=already), "default") == []


def test_a_server_that_answers_elsewhere_goes_before_a_name(settings: ServerSettings) -> None:
    elsewhere = settings.model_copy(update={"generator_url": "http://gpu:8080/v1"})
    assert asked_for(elsewhere, "phi-3-mini") == (elsewhere, ())


@pytest.mark.parametrize("name", ["nonsense", "owner/repository/file.gguf", "../x"])
def test_an_unknown_name_is_refused_with_those_that_are_known(settings: ServerSettings, name: str) -> None:
    with pytest.raises(StartError, match=DEFAULT_MODEL) as refused:
        asked_for(settings, name)
    assert "docent models pull" in str(refused.value)


def test_a_model_that_is_installed_is_not_fetched_and_not_read(settings: ServerSettings) -> None:
    assert installed(settings, DEFAULTS) is None
    path = lay(settings, DEFAULTS[0].file, DEFAULTS[0].size)
    assert installed(settings, DEFAULTS) == path


def test_any_other_model_will_do_for_the_default(settings: ServerSettings) -> None:
    path = lay(settings, "mine.gguf", 10)
    assert installed(settings, DEFAULTS) == path


def test_half_a_file_is_none(settings: ServerSettings) -> None:
    lay(settings, DEFAULTS[0].file, 10)
    assert installed(settings, DEFAULTS) is None


def test_a_named_model_is_fetched_though_another_is_installed(settings: ServerSettings) -> None:
    lay(settings, DEFAULTS[0].file, DEFAULTS[0].size)
    assert installed(*asked_for(settings, "phi-3-mini")) is None


def test_a_choice_that_is_gone_is_told(settings: ServerSettings) -> None:
    settings.data.mkdir()
    write_choice(settings, "gone")
    with pytest.raises(ModelNotFound, match="gone"):
        installed(settings, DEFAULTS)


def test_where_there_is_room_the_first_is_taken(settings: ServerSettings) -> None:
    assert choose(settings, DEFAULTS, PLENTY, PLENTY) == Choice(DEFAULTS[0])


def test_too_little_memory_for_the_default_takes_the_small_one_and_says_why(settings: ServerSettings) -> None:
    choice = choose(settings, DEFAULTS, int(1.5 * GIB), PLENTY)
    assert isinstance(choice, Choice)
    assert choice.model.name == SMALL_MODEL
    assert choice.why == (
        f"The server has too little free memory for {DEFAULT_MODEL}. So the smaller {SMALL_MODEL} comes instead."
    )


def test_too_little_memory_for_both_takes_none(settings: ServerSettings) -> None:
    none = choose(settings, DEFAULTS, GIB // 2, PLENTY)
    assert isinstance(none, NoneFits)
    assert (none.lack, none.why) == (
        "too_large",
        f"The server has too little free memory for {DEFAULT_MODEL}.",
    )
    assert f"{SMALL_MODEL}: The model needs" in none.advice
    assert "512 MiB are free" in none.advice
    assert none.advice.endswith("Close other programs or choose a smaller model: docent models list.")


def test_a_named_model_that_does_not_fit_is_not_replaced(settings: ServerSettings) -> None:
    phi = catalogue_model("phi-3-mini")
    assert phi is not None
    none = choose(settings, (phi,), 2 * GIB, PLENTY)
    assert isinstance(none, NoneFits)
    assert none.lack == "too_large"


def test_too_little_disk_for_the_default_takes_the_small_one(settings: ServerSettings) -> None:
    choice = choose(settings, DEFAULTS, PLENTY, SPARE_BYTES + DEFAULTS[1].size)
    assert isinstance(choice, Choice)
    assert choice.model.name == SMALL_MODEL
    assert choice.why.startswith(f"The disk of the server has too little room for {DEFAULT_MODEL}.")


def test_too_little_disk_for_both_says_what_is_there(settings: ServerSettings) -> None:
    none = choose(settings, DEFAULTS, PLENTY, 300_000_000)
    assert isinstance(none, NoneFits)
    assert none.lack == "no_room"
    assert none.advice == (
        f"{DEFAULT_MODEL}: 1,117 MB are to be fetched and 512 MB to be kept free, but 300 MB are free. "
        f"{SMALL_MODEL}: 491 MB are to be fetched and 512 MB to be kept free, but 300 MB are free. "
        f"Make room beside {settings.models_path.absolute()}, or set DOCENT_DATA to a folder on a larger disk."
    )


def test_what_an_earlier_fetch_left_needs_no_room(settings: ServerSettings) -> None:
    first = DEFAULTS[0]
    disk = SPARE_BYTES + first.size // 4
    assert isinstance(choose(settings, (first,), PLENTY, disk), NoneFits)
    (settings.models_path / ".partial").mkdir(parents=True)
    lay(settings, f".partial/{first.sha256[:16]}-{first.file}", first.size * 3 // 4 + 1)
    assert choose(settings, (first,), PLENTY, disk) == Choice(first)


def test_the_disk_of_a_folder_that_is_not_there_yet(settings: ServerSettings) -> None:
    assert free_disk(settings) > 0
