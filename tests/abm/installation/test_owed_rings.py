"""What the scheduler could not ring."""

from abm.installation import scheduler
from core.jobs import periodic_jobs


def test_a_job_that_could_not_be_rung_is_rung_when_the_queue_is_back_and_not_a_slot_later(database, monkeypatch):
    rung, is_away = [], True

    def ring(name: str) -> bool:
        if not is_away:
            rung.append(name)
        return not is_away

    import abm.wiring

    abm.wiring.load_jobs()
    monkeypatch.setattr(scheduler, "ring", ring)
    done, owed = {}, set()
    scheduler.tick(done, owed)
    assert owed == {job.job_name for job in periodic_jobs()}
    is_away = False
    assert "outreach.forget" not in scheduler.tick(done, owed)
    assert rung.count("outreach.forget") == 1
    assert not owed
