"""Makes the Flask application: frame, areas, security. Refuses to start with an unguarded view."""

import hashlib
import importlib
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, g, request, url_for
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from abm.api.tokens import find_token_user
from abm.audit.actions import Actor, act_as, record
from abm.company.queries import get_company
from abm.users.models import User
from abm.users.sign_in import current_user
from abm.web.access import public, refuse_unmarked_views, start_url, user_may
from abm.web.api_access import bearer_token
from abm.web.application import AbmFlask
from abm.web.exports import export_url, may_export
from abm.web.failures import set_up_failures
from abm.web.formatting import set_up_filters
from abm.web.headers import nonce, set_up_headers
from abm.web.menu import MENU, PARTNER_MENU, attention, is_lit
from abm.web.rate_limits import set_up_limits
from abm.web.session_cookies import KeptSigner
from abm.wiring import connect_engine, load_jobs
from core import db
from core.settings import ROOT, settings

PAGES = (
    "abm.home.pages",
    "abm.home.settings_pages",
    "abm.users.pages",
    "abm.users.second_factor_pages",
    "abm.imports.pages",
    "abm.accounts.pages",
    "abm.contacts.pages",
    "abm.catalogue.pages",
    "abm.orders.pages",
    "abm.offers.pages",
    "abm.analysis.pages",
    "abm.scorecards.pages",
    "abm.targets.pages",
    "abm.work.pages",
    "abm.plans.pages",
    "abm.sending.pages",
    "abm.sending.receiving_pages",
    "abm.integrations.pages",
    "abm.dossier.pages",
    "abm.partners.pages",
    "abm.partners.portal_pages",
    "abm.engagement.pages",
    "abm.outreach.pages",
    "abm.outreach.public_pages",
    "abm.outreach.preference_pages",
    "abm.outreach.hook_pages",
    "abm.outreach.outbox_pages",
    "abm.materials.pages",
    "abm.winback.pages",
    "abm.meetings.pages",
    "abm.identity.pages",
    "abm.home.health",
    "abm.api.pages",
    "abm.api.writing_pages",
    "abm.api.token_pages",
)
# Blueprints whose POSTs are authorised by a token instead of a session.
TOKEN_BLUEPRINTS = ("abm.outreach.public_pages", "abm.outreach.preference_pages", "abm.outreach.hook_pages",
                    "abm.api.pages", "abm.api.writing_pages")
# Pages that a one-time link opens.
_TOKEN_PAGES = ("users.set_password", "users.save_password", "users.first_set_up", "users.save_first_user",
                "health.metrics")
UPLOAD_LIMIT = 512 * 1024 * 1024


def create_app() -> Flask:
    """The application, joined to the engine, with every route guarded."""
    connect_engine()
    load_jobs()
    db.engine()  # made before threads could each make one
    app = AbmFlask("abm", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app)
    app.load_user = _load_user
    app.load_token_user = _load_token_user
    app.note_export = _note_export
    csrf = CSRFProtect(app)
    _set_up_templates(app)
    set_up_filters(app)
    set_up_headers(app, is_https=settings().is_https)
    set_up_failures(app)
    set_up_limits(app, ("public", "preferences", "hooks"), _TOKEN_PAGES)
    for name in PAGES:
        module = importlib.import_module(name)
        app.register_blueprint(module.pages)
        if name in TOKEN_BLUEPRINTS:
            csrf.exempt(module.pages)
    public(app.view_functions["static"])
    refuse_unmarked_views(app)
    if settings().trusted_proxies:
        hops = settings().trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def _configure(app: Flask) -> None:
    own = settings()
    host = urlsplit(own.base_url).hostname or "127.0.0.1"
    app.config.update(
        SECRET_KEY=hashlib.sha256(b"abm-cookie:" + own.secret_key.split(",")[0].encode()).hexdigest(),
        SESSION_COOKIE_NAME="__Host-abm" if own.is_https else "abm",
        SESSION_COOKIE_SECURE=own.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=7),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=UPLOAD_LIMIT,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        TRUSTED_HOSTS=[host, "127.0.0.1", "localhost"],
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.session_interface = KeptSigner()
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _load_user(session: Session) -> User | None:
    """Also sets who is recorded in the audit log and the company's settings for the page."""
    user = current_user(session)
    g.role = user.role if user else None
    g.company = get_company(session)
    name = user.name if user else "visitor"
    act_as(Actor(name, user.id if user else None, request.remote_addr or ""))
    return user


def _load_token_user(session: Session) -> User | None:
    """The user whose API token this request bears; what it does is on record under both names."""
    found = find_token_user(session, bearer_token())
    g.role = None
    g.company = get_company(session)
    if found is None:
        return None
    token, user = found
    g.token_id, g.scopes = token.id, frozenset(token.scopes)
    act_as(Actor(f"{user.name} (token {token.name})", user.id, request.remote_addr or ""))
    return user


def _note_export(table: str, kind: str, rows: int) -> None:
    """Who took what out is on record before the file leaves."""
    with db.transaction() as session:
        record(session, action="export", subject="table", subject_id=table[:120], after={"kind": kind, "rows": rows})


def _set_up_templates(app: Flask) -> None:
    app.jinja_env.globals.update(
        MENU=MENU, attention=attention, is_lit=is_lit, may=user_may, nonce=nonce, asset=_asset, csrf_field=_csrf_field,
        may_export=may_export, export_url=export_url, start=start_url, PARTNER_MENU=PARTNER_MENU,
    )


def _csrf_field() -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _asset(path: str) -> str:
    """The address of a static file with a mark of its content, so that it can be kept for ever."""
    return url_for("static", filename=path, v=_mark(path))


@lru_cache(maxsize=64)
def _mark(path: str) -> str:
    return hashlib.sha256((Path(ROOT) / "static" / path).read_bytes()).hexdigest()[:10]
