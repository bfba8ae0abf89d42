"""How often the page password may be tried: by one browser, and by all that are new here together.

A cookie cannot be made up, but anybody gets a new one for the asking, so a limit for each browser alone would be none,
and one for all together would let whoever guesses lock everybody out. Hence both, and a browser in which the password
was right before has its own (the device cookies of OWASP's advice on slow brute force). Headers count for nothing: the
address is the connection's, or the one that a proxy of DOCENT_TRUSTED_PROXIES names.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.errors import TooBusy

WINDOW = 60.0  # seconds in which wrong passwords are counted
OF_ONE_BROWSER = 5  # wrong passwords
OF_ALL_NEW = 20  # of all browsers that never gave the right password
OF_ALL_NEW_AT_MOST = 60  # the same, where the browser's address gave no wrong password within WINDOW


@dataclass(frozen=True)
class Browser:
    """Who tries a password."""

    owner: str
    """The owner id of its cookie; empty without one, and then its address stands for it."""
    address: str
    known: bool = False
    """The password was right in this browser before, or none was needed."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.owner, "") if self.owner else ("", self.address)


@dataclass(frozen=True)
class _Failure:
    at: float  # seconds of the clock
    browser: Browser


class LoginLimit:
    """Counts wrong passwords. Safe to call from several threads: what is counted is counted before the next try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: list[_Failure] = []  # within WINDOW, oldest first: few, since what is refused is not counted

    def attempt(self, browser: Browser, is_right: Callable[[], bool]) -> bool:
        """Whether the password is right. Raises TooBusy, without looking at it, after too many wrong ones."""
        with self._lock:
            now = self._clock()
            self._failures = [failure for failure in self._failures if now - failure.at < WINDOW]
            own = [failure for failure in self._failures if failure.browser.key == browser.key]
            _refuse(own, OF_ONE_BROWSER, now, "Wait a minute, then try again.")
            if not browser.known:
                new = [failure for failure in self._failures if not failure.browser.known]
                is_first = all(failure.browser.address != browser.address for failure in new)
                _refuse(
                    new,
                    OF_ALL_NEW_AT_MOST if is_first else OF_ALL_NEW,
                    now,
                    "They came from browsers that are new here. Wait a minute, then try again, or use a browser in "
                    "which Docent was open before.",
                )
            if is_right():
                self._failures = [failure for failure in self._failures if failure not in own]
                return True
            self._failures.append(_Failure(now, browser))
            return False


def _refuse(failures: Sequence[_Failure], limit: int, now: float, advice: str) -> None:
    if len(failures) >= limit:
        wait = failures[len(failures) - limit].at + WINDOW - now
        raise TooBusy("There were too many wrong passwords.", advice, retry_after=max(1, math.ceil(wait)))
