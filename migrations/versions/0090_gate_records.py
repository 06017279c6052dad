"""the gate's log"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0090'
down_revision = '0050'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('gate_record',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('run_id', core.db.Id, nullable=False),
    sa.Column('batch_id', core.db.Id, nullable=False),
    sa.Column('at', core.db.UtcDateTime(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('terms', core.db.Json, nullable=False),
    sa.Column('decisions', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gate_record'))
    )
    op.create_index('ix_gate_record_run', 'gate_record', ['run_id', 'at'])
    op.create_index('ix_gate_record_at', 'gate_record', ['at'])


def downgrade() -> None:
    op.drop_table('gate_record')
