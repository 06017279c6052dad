"""The web application for any WSGI server: `gunicorn --worker-class gthread --threads 8 wsgi:app`."""

import abm.all_models
from abm.app import create_app
from core.logs import set_up_logs

assert abm.all_models.metadata.tables
set_up_logs()
app = create_app()
