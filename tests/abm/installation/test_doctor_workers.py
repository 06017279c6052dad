"""What `abm doctor` says of the workers."""


from rq import Worker

from abm.installation.doctor import WARNING, examine
from core.jobs import JobQueue
from core.jobs.queue import connection, rq_queue


def _of_workers():
    [found] = [finding for finding in examine() if finding.name == "workers"]
    return found


def test_it_names_the_queue_that_nobody_works_on(database, queue_server):
    assert _of_workers().fix == "run bin/start or `abm work`"
    for queue in (JobQueue.OUTREACH, JobQueue.GENERAL):
        Worker([rq_queue(queue)], connection=connection()).register_birth()
    found = _of_workers()
    assert (found.level, found.text) == (WARNING, "2 at work, none for sweeps")
    assert found.fix == "run `python worker.py sweeps`"
