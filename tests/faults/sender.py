"""A worker that tests may kill: `python -m tests.faults.sender` serves the outreach queue and forks work-horses."""


def main() -> None:
    import campaigns.jobs  # noqa: F401 - registers the jobs
    from abm.wiring import connect_engine
    from core.jobs import JobQueue
    from core.jobs.worker import work

    connect_engine()
    print("ready", flush=True)
    work(JobQueue.OUTREACH)


if __name__ == "__main__":
    main()
