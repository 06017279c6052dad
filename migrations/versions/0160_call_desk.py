"""who has a call open, when it may be made, and every try with its minutes"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0160'
down_revision = '0110'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('task', sa.Column('ready_at', core.db.UtcDateTime(), nullable=True))
    op.add_column('task', sa.Column('claimed_by_id', core.db.Id, nullable=True))
    op.add_column('task', sa.Column('claimed_until', core.db.UtcDateTime(), nullable=True))
    op.add_column('touch', sa.Column('seconds', sa.Integer(), nullable=True))
    op.create_table('call_try',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('task_id', core.db.Id, nullable=False),
    sa.Column('user_id', core.db.Id, nullable=True),
    sa.Column('at', core.db.UtcDateTime(), nullable=False),
    sa.Column('outcome', sa.String(length=30), nullable=False),
    sa.Column('sentiment', sa.String(length=20), nullable=True),
    sa.Column('seconds', sa.Integer(), nullable=False),
    sa.Column('cost_amount', core.db.Money(), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_call_try_task_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_try'))
    )
    op.create_index('ix_call_try_task', 'call_try', ['task_id'])
    op.create_index('ix_call_try_at', 'call_try', ['at'])


def downgrade() -> None:
    op.drop_table('call_try')
    op.drop_column('touch', 'seconds')
    for column in ('claimed_until', 'claimed_by_id', 'ready_at'):
        op.drop_column('task', column)
