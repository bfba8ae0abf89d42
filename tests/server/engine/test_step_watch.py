"""When a step counts as late, by a clock of the test's own."""

from server.engine.step_watch import StepWatch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_late_step_is_told_once() -> None:
    clock, told = Clock(), list[float]()
    watch = StepWatch(5, lambda: told.append(clock.now), clock)
    watch.look()
    with watch.step():
        clock.now += 4
        watch.look()
        assert (watch.seconds, told) == (4, [])
        clock.now += 2
        watch.look()
        watch.look()
        assert told == [106]
    assert watch.seconds == 0
    clock.now += 50
    watch.look()
    with watch.step():
        clock.now += 6
        watch.look()
    assert told == [106, 162]


def test_a_step_that_fails_is_over() -> None:
    watch = StepWatch(5, lambda: None, Clock())
    try:
        with watch.step():
            raise ValueError("broken")
    except ValueError:
        assert watch.seconds == 0
