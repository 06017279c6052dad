"""Tasks as a subject of list rules: `has: task`."""

from abm.targets.sources import Column, Source, make_fields, register
from abm.targets.tracking import Tracked, track
from abm.targets.vocabulary import FieldType, Subject
from abm.work.models import Task

_FIELDS = make_fields(
    "task", "Tasks",
    ("title", "title", FieldType.TEXT), ("kind", "kind", FieldType.TEXT, ("task", "call", "visit")),
    ("state", "state", FieldType.TEXT, ("open", "done", "dropped")), ("due_on", "due day", FieldType.DATE),
    ("outcome", "outcome", FieldType.TEXT), ("origin", "origin", FieldType.TEXT),
    ("created_at", "day it was made", FieldType.DATE), ("done_at", "day it was done", FieldType.DATE),
)
_MOMENTS = ("created_at", "done_at")
_COLUMNS = {name: Column(Task.__table__.c[name.removeprefix("task.")], is_moment=name.endswith(_MOMENTS))
            for name in _FIELDS}

register(Source(Subject("task", "task", "tasks", _FIELDS), Task.__table__, Task.__table__.c.account_id, _COLUMNS,
                follows=("task",)))
track(Tracked("task"))
