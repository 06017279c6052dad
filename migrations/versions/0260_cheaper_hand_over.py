"""the columns that change while a message is handed over are in no index any more"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0260'
down_revision = '0251'
branch_labels = None
depends_on = None

_WAITING = "state IN ('queued','deferred')"
_TROUBLE = "state IN ('bounced_hard','complained','failed_permanent')"
_ONCE = 'uq_delivery_run_id_position_contact_id_generation'
_ONCE_NOW = 'uq_delivery_contact_id_run_id_position_generation'


def upgrade() -> None:
    op.create_table('earlier_message_id',
        sa.Column('message_id', sa.String(length=120), nullable=False),
        sa.Column('delivery_id', core.db.Id, nullable=False),
        sa.PrimaryKeyConstraint('message_id', name=op.f('pk_earlier_message_id')))
    op.execute("INSERT INTO earlier_message_id (message_id, delivery_id) "
               "SELECT message_id, id FROM delivery WHERE message_id IS NOT NULL")
    op.execute("DELETE FROM cap_bucket WHERE \"window\" = 'lock'")
    for name in ('ix_delivery_due', 'ix_delivery_run_due', 'ix_delivery_trouble', 'ix_delivery_contact'):
        op.drop_index(name, 'delivery')
    with op.batch_alter_table('delivery') as table:
        table.drop_constraint('uq_delivery_message_id', type_='unique')
        table.drop_constraint(_ONCE, type_='unique')
        table.create_unique_constraint(_ONCE_NOW, ['contact_id', 'run_id', 'position', 'generation'])
        table.add_column(sa.Column('is_waiting', sa.Boolean(), sa.Computed(_WAITING, persisted=True)))
        table.add_column(sa.Column('is_in_trouble', sa.Boolean(), sa.Computed(_TROUBLE, persisted=True)))
    _index('ix_delivery_due', ['run_id', 'due_at'], 'is_waiting')
    _index('ix_delivery_trouble', ['run_id'], 'is_in_trouble')
    if _is_postgres():
        op.execute("ALTER TABLE delivery SET (fillfactor = 50)")


def downgrade() -> None:
    for name in ('ix_delivery_due', 'ix_delivery_trouble'):
        op.drop_index(name, 'delivery')
    with op.batch_alter_table('delivery') as table:
        table.drop_column('is_in_trouble')
        table.drop_column('is_waiting')
        table.drop_constraint(_ONCE_NOW, type_='unique')
        table.create_unique_constraint(_ONCE, ['run_id', 'position', 'contact_id', 'generation'])
        table.create_unique_constraint('uq_delivery_message_id', ['message_id'])
    _index('ix_delivery_due', ['due_at', 'id'], _WAITING)
    _index('ix_delivery_run_due', ['run_id', 'position', 'due_at'], _WAITING)
    _index('ix_delivery_trouble', ['run_id'], _TROUBLE)
    op.create_index('ix_delivery_contact', 'delivery', ['contact_id'])
    if _is_postgres():
        op.execute("ALTER TABLE delivery RESET (fillfactor)")
    op.drop_table('earlier_message_id')


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, 'delivery', columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == 'postgresql'
