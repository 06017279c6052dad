"""the kind of a person's consent, and a table of countries instead of a list of those that ask for consent"""

import sqlalchemy as sa
from alembic import op

revision = '0220'
down_revision = '0230'
branch_labels = None
depends_on = None

_SETTING = sa.table('company_setting', sa.column('name', sa.String), sa.column('content', sa.JSON))
_BASES = ['consent', 'implied_consent', 'contract', 'legitimate_interest']
_ASKED = {'AT': ['consent'], 'CA': ['consent', 'implied_consent'], 'DE': ['consent']}


def upgrade() -> None:
    op.add_column('contact', sa.Column('consent_kind', sa.String(length=20), nullable=True))
    listed = _read('consent_countries')
    if listed is not None:
        named = {code: _ASKED.get(code, ['consent']) for code in listed}
        _rename('consent_countries', 'country_bases', {**{code: _BASES for code in _ASKED if code not in named}, **named})


def downgrade() -> None:
    bases = _read('country_bases')
    if bases is not None:
        asking = [code for code, own in {**_ASKED, **bases}.items()
                  if len(code) == 2 and 'legitimate_interest' not in own]
        _rename('country_bases', 'consent_countries', asking)
    op.execute("DELETE FROM company_setting WHERE name = 'reaches_free_mail'")
    op.drop_column('contact', 'consent_kind')


def _read(name: str) -> object:
    found = op.get_bind().scalar(sa.select(_SETTING.c.content).where(_SETTING.c.name == name))
    return found['value'] if found else None


def _rename(before: str, after: str, value: object) -> None:
    op.get_bind().execute(sa.update(_SETTING).where(_SETTING.c.name == before)
                          .values(name=after, content={'value': value}))
