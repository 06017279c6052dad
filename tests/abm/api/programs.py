"""A program with a token, for tests."""

from typing import Any

from abm.api.tokens import create_token
from abm.web.api_access import Scope
from core import db
from tests.factories import make_user

ALL = tuple(Scope)


class Program:
    """Calls the API with a token of an administrator, or of another role."""

    def __init__(self, app: Any, *scopes: str, role: str = "admin", days: int = 30) -> None:
        self.client = app.test_client()
        with db.transaction() as session:
            self.user = make_user(session, role=role)
            self.token, self.plain = create_token(session, user=self.user, name="Warehouse", scopes=scopes, days=days)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.plain}"}, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        given = {"json": json} if json is not None else {}
        return self.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.plain}"}, **given, **more)
