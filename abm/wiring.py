"""Joins the application to the engine, once per process: web, worker and commands alike call `connect_engine`."""

import importlib

JOB_MODULES = (
    "campaigns.jobs",
    "abm.imports.jobs",
    "abm.analysis.jobs",
    "abm.targets.jobs",
    "abm.winback.jobs",
    "abm.outreach.jobs",
)


def connect_engine() -> None:
    """Hand the application's side to `campaigns`. Cheap: nothing heavy is imported."""
    from abm.outreach.engine_side import engine_side
    from campaigns.outside import connect

    connect(engine_side())


def load_jobs() -> None:
    """Import every module that registers jobs; a worker and the scheduler call this first."""
    for name in JOB_MODULES:
        importlib.import_module(name)
