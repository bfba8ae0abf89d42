"""One step of a scheduler, as the worker takes it."""

from server.engine.scheduler import Event, Scheduler


def take_step(scheduler: Scheduler) -> list[tuple[int, Event]]:
    """Admit what fits and evaluate one batch."""
    return scheduler.admit() + scheduler.evaluate()
