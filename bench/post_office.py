"""The outbox against django-post_office: loopback, or a relay that takes its time for every message.

    python -m bench.post_office [--messages 20000] [--delay 0.025] [--connections 50]

Needs bench/requirements.txt. Both run on PostgreSQL with fsync and send the same content, rendered as it is sent, with
a signed unsubscribe link. django-post_office: batches of 1,000, two processes of five threads. Ours: two processes that
share `connections` between them.
"""

import argparse
import hmac
import logging
import os
import signal
import sys
import tempfile
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from bench.outbox_load import (
    SENDER,
    Count,
    Figures,
    checked,
    content,
    drain_outbox,
    fill_outbox,
    measure,
    postgres_cpu,
    settled,
    sink,
)
from bench.postgres import temporary_server

PROCESSES, THREADS, BATCH = 2, 5, 1_000
WANTED_AT_A_RELAY = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds the relay takes for a message")
    parser.add_argument("--connections", type=int, default=50, help="of ours, all processes together")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("stopped"))
    with temporary_server() as url, sink(given.delay) as (port, count), \
            tempfile.TemporaryDirectory(prefix="abm-bench-") as folder:
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4,
                          ABM_MAIL_URL=f"smtp://127.0.0.1:{port}?connections={given.connections // PROCESSES}")
        from abm.wiring import connect_engine

        connect_engine()
        rows = fill_outbox(given.messages)
        ours = drain_outbox(given.messages, PROCESSES, count)
        theirs = _measure_post_office(rows, url, port, count, Path(folder))
    _show("django-post_office", theirs)
    _show("outbox", ours)
    ratio = ours.rate / theirs.rate
    wanted = f" (at least {WANTED_AT_A_RELAY})" if given.delay else ""
    print(f"speed ratio {ratio:.2f} x{wanted}, CPU ratio {ours.cpu_per_message / theirs.cpu_per_message:.3f}")
    sys.exit(int(bool(given.delay) and ratio < WANTED_AT_A_RELAY))


def _show(name: str, one: Figures) -> None:
    print(f"{name:20}{one.rate:8.0f} messages/s {one.cpu_per_message:8.3f} ms CPU a message, "
          f"{one.database_cpu / one.messages * 1_000:.3f} of it the database")


def _measure_post_office(rows: list[dict[str, Any]], url: str, port: int, count: Count, folder: Path) -> Figures:
    _set_django_up(url, port)
    _queue(rows)

    def send_all() -> None:
        from django.db import connection
        from post_office.mail import send_queued_mail_until_done

        logging.disable()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        connection.close()
        send_queued_mail_until_done(str(folder / "post_office"), processes=PROCESSES, log_level=1)

    from django.db import connection

    connection.close()
    before = settled(postgres_cpu)
    cpu = measure([send_all])
    return checked(len(rows), cpu, settled(postgres_cpu) - before, count)


def _set_django_up(url: str, port: int) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from sqlalchemy.engine import make_url

    where = make_url(url)
    settings.configure(
        INSTALLED_APPS=["post_office"], USE_TZ=True, SECRET_KEY="benchmark", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": where.database,
                               "USER": where.username, "HOST": where.host, "PORT": where.port}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        POST_OFFICE={"BATCH_SIZE": BATCH, "THREADS_PER_PROCESS": THREADS, "BATCH_DELIVERY_TIMEOUT": 900,
                     "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"}})
    django.setup()
    call_command("migrate", verbosity=0)


def _queue(rows: list[dict[str, Any]]) -> None:
    """The same messages, waiting to be rendered and sent."""
    from post_office import mail
    from post_office.models import EmailTemplate

    words = content()
    template = EmailTemplate.objects.create(name="news", subject=words["subject"], content=words["text"],
                                            html_content=words["html"])
    for start in range(0, len(rows), BATCH):
        mail.send_many([_message(row, template) for row in rows[start:start + BATCH]])


def _message(row: dict[str, Any], template: Any) -> dict[str, Any]:
    number = row["id"].to_bytes(8, "big")
    token = urlsafe_b64encode(number + hmac.digest(b"k" * 32, number, "sha256")[:16]).decode().rstrip("=")
    link = f"http://127.0.0.1:8000/u/{token}"
    values = {name: {key: value for key, value in part.items() if isinstance(value, str)}
              for name, part in row["values"].items()}
    return {"recipients": [row["address"]], "sender": f"{SENDER['name']} <{SENDER['email']}>", "template": template,
            "context": {**values, "sender": SENDER, "unsubscribe_url": link}, "render_on_delivery": True,
            "headers": {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}}


if __name__ == "__main__":
    main()
