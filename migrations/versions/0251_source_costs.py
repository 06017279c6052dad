"""what sources of accounts cost"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0251'
down_revision = '0231'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('source_cost',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('amount', core.db.Money(), nullable=False),
    sa.Column('spent_on', sa.Date(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('created_by', sa.String(length=200), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_source_cost'))
    )
    op.create_index('ix_source_cost_source', 'source_cost', ['source', 'spent_on'])


def downgrade() -> None:
    op.drop_table('source_cost')
