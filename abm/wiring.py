"""Joins the application to the engine, once per process: web, worker and commands alike call `connect_engine`."""

import importlib

JOB_MODULES = (
    "campaigns.jobs",
    "abm.audit.jobs",
    "abm.users.notices",
    "abm.imports.jobs",
    "abm.integrations.jobs",
    "abm.analysis.jobs",
    "abm.scorecards.jobs",
    "abm.targets.jobs",
    "abm.dossier.jobs",
    "abm.work.jobs",
    "abm.plans.jobs",
    "abm.engagement.jobs",
    "abm.winback.jobs",
    "abm.meetings.jobs",
    "abm.outreach.jobs",
    "abm.identity.jobs",
    "abm.installation.jobs",
)


# A table's foreign keys are looked up when it is first used, whatever the command that uses it imported.
ALL_TABLES = "abm.all_models"
# Areas above the target lists that add subjects to list rules.
LIST_FIELD_MODULES = (
    "abm.work.list_fields",
    "abm.partners.list_fields",
    "abm.dossier.list_fields",
    "abm.engagement.list_fields",
    "abm.plans.list_fields",
)
# Areas above the call desk that say which calls are not made at it.
DESK_MODULES = ("abm.partners.desk",)
# Areas above outreach that keep words about people, and clear them when somebody is erased.
FORGETTING_MODULES = ("abm.identity.forgetting",)


def load_list_fields() -> None:
    """Make every table known, the subjects of list rules and the tables whose changes lists follow."""
    for name in (ALL_TABLES, *LIST_FIELD_MODULES):
        importlib.import_module(name)


def connect_engine() -> None:
    """Hand the application's side to `campaigns`, and subjects to list rules. Cheap: nothing heavy is imported."""
    load_list_fields()
    for name in (*DESK_MODULES, *FORGETTING_MODULES):
        importlib.import_module(name)
    from abm.outreach.engine_side import engine_side
    from campaigns.outside import connect

    connect(engine_side())


def load_jobs() -> None:
    """Import every module that registers jobs; a worker and the scheduler call this first."""
    for name in JOB_MODULES:
        importlib.import_module(name)
