"""Wrong passwords are counted by browser and together; who guesses holds up neither known browsers nor other places."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import TooBusy
from server.login_limit import OF_ALL_NEW, OF_ALL_NEW_AT_MOST, OF_ONE_BROWSER, WINDOW, Browser, LoginLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def wrong() -> bool:
    return False


def right() -> bool:
    return True


def guess(limit: LoginLimit, browsers: list[Browser]) -> int:
    """How many of these wrong passwords were looked at."""
    looked = 0

    def counted() -> bool:
        nonlocal looked
        looked += 1
        return False

    for browser in browsers:
        try:
            assert not limit.attempt(browser, counted)
        except TooBusy:
            continue
    return looked


@pytest.mark.parametrize(
    "browser", [Browser("ann", "10.0.0.1"), Browser("", "10.0.0.1"), Browser("ann", "10.0.0.1", known=True)]
)
def test_one_browser_waits_after_five_wrong_passwords(browser: Browser) -> None:
    clock = Clock()
    limit = LoginLimit(clock)
    assert guess(limit, [browser] * 8) == OF_ONE_BROWSER
    clock.now += WINDOW - 20
    with pytest.raises(TooBusy, match="too many wrong passwords") as refused:
        limit.attempt(browser, right)
    assert refused.value.retry_after == 20
    clock.now += 20
    assert limit.attempt(browser, right)


def test_a_right_password_ends_the_count() -> None:
    limit = LoginLimit()
    ann = Browser("ann", "10.0.0.1")
    assert guess(limit, [ann] * (OF_ONE_BROWSER - 1)) == OF_ONE_BROWSER - 1
    assert limit.attempt(ann, right)
    assert guess(limit, [ann] * OF_ONE_BROWSER) == OF_ONE_BROWSER


def test_new_cookies_do_not_help_who_guesses() -> None:
    limit = LoginLimit()
    assert guess(limit, [Browser(f"made {n}", "10.0.0.1") for n in range(100)]) == OF_ALL_NEW


def test_new_addresses_do_not_help_beyond_a_bound() -> None:
    limit = LoginLimit()
    assert guess(limit, [Browser(f"made {n}", f"10.0.{n}.1") for n in range(200)]) == OF_ALL_NEW_AT_MOST


def test_whoever_guesses_locks_out_neither_known_browsers_nor_other_addresses() -> None:
    limit = LoginLimit()
    guess(limit, [Browser(f"made {n}", "10.0.0.1") for n in range(100)])
    assert limit.attempt(Browser("ann", "10.0.0.1", known=True), right)
    assert limit.attempt(Browser("bob", "10.0.0.2"), right)
    with pytest.raises(TooBusy, match="new here"):
        limit.attempt(Browser("cid", "10.0.0.1"), right)


def test_tries_at_the_same_time_are_counted_each() -> None:
    limit = LoginLimit()
    with ThreadPoolExecutor(16) as pool:
        looked = sum(pool.map(lambda _: guess(limit, [Browser("ann", "10.0.0.1")]), range(64)))
    assert looked == OF_ONE_BROWSER


@given(
    st.lists(
        st.tuples(
            st.builds(Browser, st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["1", "2"]), st.booleans()),
            st.floats(0, 30),
        ),
        max_size=120,
    )
)
def test_within_any_minute_new_browsers_try_so_often_and_no_more(tries: list[tuple[Browser, float]]) -> None:
    clock = Clock()
    limit = LoginLimit(clock)
    looked: list[tuple[float, Browser]] = []
    for browser, later in tries:
        clock.now += later
        if guess(limit, [browser]):
            looked.append((clock.now, browser))
    for at, browser in looked:
        within = [other for then, other in looked if at <= then < at + WINDOW]
        assert sum(other.key == browser.key for other in within) <= OF_ONE_BROWSER
        assert sum(not other.known for other in within) <= OF_ALL_NEW_AT_MOST
