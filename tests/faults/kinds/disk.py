"""F17: the disk of the database (SQLite), the journals and the embedded queue is full for a while."""

import sqlite3
import time

from campaigns.room import LEAST_FREE_BYTES
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, wait_until
from tests.faults.small_disk import fill, small_disk
from tests.outbox_factory import running_campaign


@fault("F17", "disk full, little by little and at once, then free again", rounds=2, messages=600, needs=("mount",))
def fill_disk(scene: Scene, plan: Plan) -> Verdict:
    """Sending stops before a message whose outcome could not be stored, and goes on when there is room; what was begun
    by then has its line in the journal, whose room was taken before."""
    chance, recoveries, broken, codes = plan.chance(), [], [], set()
    with small_disk(scene.folder / "disk") as disk:
        own = {"ABM_DATA_DIR": str(disk)} | ({"ABM_DATABASE_URL": ""} if settings().is_sqlite else {})
        with scene.elsewhere(**own):
            running_campaign(plan.messages)
            scene.start_family()
            visitor = scene.browser()
            for done in range(plan.rounds):
                scene.wait_for_acceptances(20)
                time.sleep(chance.uniform(0, 0.1))
                if done % 2 == 0:
                    fill(disk / "ballast", leave=LEAST_FREE_BYTES // 2)
                    broken += _goes_on_sending(scene)
                fill(disk / "ballast", leave=0)
                codes |= {visitor.get("/accounts").status_code,
                          visitor.post("/accounts", data={"name": f"Full disk {done}"}).status_code}
                broken += _goes_on_sending(scene)
                (disk / "ballast").unlink()
                recoveries.append(scene.wait_for_acceptances(1))
            scene.wait_until_sent()
            verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
            verdict.broken += broken + _damage()
    if wrong := codes - {200, 302, 503}:
        verdict.broken.append(f"pages answered {sorted(wrong)} on a full disk")
    verdict.notes.append(f"pages answered {sorted(codes)}")
    return verdict


def _goes_on_sending(scene: Scene) -> list[str]:
    """Once what was on the wire is answered, nothing more is handed over."""
    def count() -> int:
        return sum(scene.accepted().values())

    def is_still() -> bool:
        before = count()
        time.sleep(1.0)
        return count() == before

    return [] if wait_until(is_still, 15) else ["messages went out though the disk was full"]


def _damage() -> list[str]:
    if not settings().is_sqlite:
        return []
    with sqlite3.connect(settings().database_url.removeprefix("sqlite:///")) as opened:
        told = [row[0] for row in opened.execute("PRAGMA integrity_check")]
    opened.close()
    return [] if told == ["ok"] else [f"the database is damaged: {told[:3]}"]
