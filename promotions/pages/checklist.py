"""What is left for people to do after a deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..models import DoneTask, PlannedComponent, PromotionRequest

# Components whose start is decided in the environment, by their type on the platform.
LISTENING_TYPES = {"webservice", "processroute", "flowservice"}


@dataclass
class Task:
    """One thing to do on the platform, the places it concerns, and who has done it."""

    key: DoneTask.Task
    explanation: str
    places: list[str] = field(default_factory=list)
    done: DoneTask | None = None

    @property
    def title(self) -> str:
        return str(self.key.label)


def after_deployment(
    promotion: PromotionRequest, components: Sequence[PlannedComponent]
) -> list[Task]:
    """The list for one promotion, from what its plan recorded."""
    tasks = []
    if emptied := [place for component in components for place in _emptied(component)]:
        tasks.append(
            Task(
                DoneTask.Task.VALUES,
                "Hosts, credentials and other environment values are emptied when a component is "
                "new in production. Set them in the component or, better, as environment "
                "extensions.",
                emptied,
            )
        )
    tasks.append(
        Task(
            DoneTask.Task.EXTENSIONS,
            "Open Manage › Atom Management › Environment Extensions for each environment and check "
            "connections, process properties and cross references.",
        )
    )
    tasks.append(
        Task(
            DoneTask.Task.SCHEDULES,
            "A new process has no schedule in an environment. Set it, or resume the one that was "
            "paused.",
        )
    )
    tasks.append(
        Task(
            DoneTask.Task.LISTENERS,
            "Where the process listens (web service, queue, disk), see that its listener is "
            "running in each environment.",
            [c.name for c in components if c.component_type in LISTENING_TYPES],
        )
    )
    done = {task.task: task for task in promotion.done_tasks.select_related("person")}
    for task in tasks:
        task.done = done.get(task.key)
    return tasks


def _emptied(component: PlannedComponent) -> list[str]:
    return [
        f"{component.name}: {place.get('path', '')}"
        for place in component.places
        if place.get("outcome") == "emptied"
    ]
