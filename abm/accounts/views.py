"""Views that people save of a table: filters, order and columns under a name."""

from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from abm.accounts.models import SavedView
from core import clock
from core.errors import InvalidInput, NotFound

PAGES = {"accounts": "accounts.index", "contacts": "contacts.index"}
_MOST = 50


def list_views(session: Session, *, user_id: int, page: str) -> Sequence[SavedView]:
    """The user's own views of a page and those that others share, by name."""
    query = select(SavedView).where(SavedView.page == page, or_(SavedView.user_id == user_id, SavedView.is_shared))
    return session.scalars(query.order_by(SavedView.name, SavedView.id).limit(2 * _MOST)).all()


def save_view(session: Session, *, user_id: int, page: str, name: str, arguments: Mapping[str, str],
              is_shared: bool) -> SavedView:
    """Keep the arguments of a page under a name; the same name again replaces them. Raises InvalidInput."""
    text = " ".join(name.split())[:100]
    if not text or page not in PAGES:
        raise InvalidInput("The view was not saved", {"name": "Give the view a name"})
    own = session.scalars(select(SavedView).where(SavedView.user_id == user_id, SavedView.page == page)).all()
    view = next((one for one in own if one.name == text), None)
    if view is None:
        if len(own) >= _MOST:
            raise InvalidInput("The view was not saved", {"name": f"At most {_MOST} views; take one away first"})
        view = SavedView(user_id=user_id, page=page, name=text, created_at=clock.now())
        session.add(view)
    view.arguments, view.is_shared = dict(arguments), is_shared
    session.flush()
    return view


def remove_view(session: Session, *, view_id: int, user_id: int) -> str:
    """Take an own view away; answers its page. Raises NotFound for somebody else's."""
    view = session.get(SavedView, view_id)
    if view is None or view.user_id != user_id:
        raise NotFound("You have no such view")
    session.delete(view)
    return view.page
