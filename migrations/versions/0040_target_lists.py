"""target lists: stays in lists, vetoes, sign-offs, and which accounts changed"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0040'
down_revision = '0020'
branch_labels = None
depends_on = None

OPEN, ACTIVE = sa.text('left_at IS NULL'), sa.text('ended_at IS NULL')


def upgrade() -> None:
    op.add_column('target_list', sa.Column('judged_by', sa.String(length=64), nullable=True))
    _add_history()
    _add_agreement()
    op.create_table('account_change',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_change'))
    )
    op.create_index('ix_account_change_kind', 'account_change', ['kind', 'account_id'])
    op.create_table('list_pending',
    sa.Column('list_id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['list_id'], ['target_list.id'], name=op.f('fk_list_pending_list_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('list_id', 'account_id', name=op.f('pk_list_pending'))
    )
    # Who is in a list now entered it when the member row says so; digests of addresses are looked through once.
    op.execute("INSERT INTO list_spell (list_id, account_id, entered_at, entered_how) "
               "SELECT list_id, account_id, added_at, how FROM list_member")
    op.execute("INSERT INTO account_change (kind, account_id) SELECT 'contact', id FROM account")


def _add_history() -> None:
    op.create_table('list_spell',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('list_id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('entered_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('left_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('entered_how', sa.String(length=10), nullable=False),
    sa.Column('left_how', sa.String(length=10), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_list_spell_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['list_id'], ['target_list.id'], name=op.f('fk_list_spell_list_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_spell'))
    )
    op.create_index('uq_list_spell_open', 'list_spell', ['list_id', 'account_id'], unique=True, sqlite_where=OPEN,
                    postgresql_where=OPEN)
    op.create_index('ix_list_spell_entered', 'list_spell', ['list_id', 'entered_at'])
    op.create_index('ix_list_spell_left', 'list_spell', ['list_id', 'left_at'])
    op.create_index(op.f('ix_list_spell_account_id'), 'list_spell', ['account_id'])


def _add_agreement() -> None:
    op.create_table('list_veto',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('list_id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('was_member', sa.Boolean(), nullable=False),
    sa.Column('by_id', core.db.Id, nullable=True),
    sa.Column('by_name', sa.String(length=200), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('ended_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_list_veto_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['by_id'], ['app_user.id'], name=op.f('fk_list_veto_by_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['list_id'], ['target_list.id'], name=op.f('fk_list_veto_list_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_veto'))
    )
    op.create_index('uq_list_veto_active', 'list_veto', ['list_id', 'account_id'], unique=True, sqlite_where=ACTIVE,
                    postgresql_where=ACTIVE)
    op.create_index(op.f('ix_list_veto_account_id'), 'list_veto', ['account_id'])
    op.create_table('list_sign_off',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('list_id', core.db.Id, nullable=False),
    sa.Column('accounts', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('by_id', core.db.Id, nullable=True),
    sa.Column('by_name', sa.String(length=200), nullable=False),
    sa.Column('signed_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('voided_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('void_reason', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['app_user.id'], name=op.f('fk_list_sign_off_by_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['list_id'], ['target_list.id'], name=op.f('fk_list_sign_off_list_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_sign_off'))
    )
    op.create_index(op.f('ix_list_sign_off_list_id'), 'list_sign_off', ['list_id'])


def downgrade() -> None:
    _remove_triggers()
    for table in ('list_pending', 'account_change', 'list_sign_off', 'list_veto', 'list_spell'):
        op.drop_table(table)
    op.drop_column('target_list', 'judged_by')


def _remove_triggers() -> None:
    """They write to a table that goes. Each upgrade ends with making them anew."""
    connection = op.get_bind()
    if connection.dialect.name == 'postgresql':
        asked = ("SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal "
                 "AND starts_with(tgname, 'track_')")
    else:
        asked = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 6) = 'track_'"
    for name, table in connection.execute(sa.text(asked)).all():
        on_table = f' ON {table}' if connection.dialect.name == 'postgresql' else ''
        op.execute(f'DROP TRIGGER {name}{on_table}')
