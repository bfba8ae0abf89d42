"""Numbers, times and sizes in words."""

from datetime import UTC, datetime

import pytest

from server.views.wording import decimal_units, machine_moment, moment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It needs 8.4 GiB, but 3.8 GiB are free.", "It needs 9.0 GB, but 4.1 GB are free."),
        ("1,024 MiB, 94 MiB and 3 MB", "1.1 GB, 99 MB and 3 MB"),
        ("A GiB, GiB8, 5 GiBs", "A GiB, GiB8, 5 GiBs"),
    ],
)
def test_sizes_are_told_in_one_set_of_units(text: str, shown: str) -> None:
    assert decimal_units(text) == shown


def test_a_moment_is_said_as_people_say_it_with_the_year_only_where_it_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    then = datetime(2026, 11, 5, 1, 3)
    local = then.replace(tzinfo=UTC).astimezone()
    assert moment(then, datetime(2026, 12, 1, tzinfo=UTC)) == f"{local.day} {local:%b}, {local:%H:%M}"
    assert moment(then, datetime(2027, 6, 1, tzinfo=UTC)) == f"{local.day} {local:%b} 2026, {local:%H:%M}"
    assert datetime.fromisoformat(machine_moment(then)) == then.replace(tzinfo=UTC)
