"""pages of large companies: sorting by results within a class or rhythm, kept figures of sources, words"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0120'
down_revision = '0160'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_account_result_class', 'account_result', ['run_id', 'abc', 'value'])
    op.create_index('ix_account_result_rhythm', 'account_result', ['run_id', 'rhythm', 'last_on'])
    op.create_table('source_figures',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('content', core.db.Json, nullable=False),
    sa.Column('made_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_source_figures'))
    )


def downgrade() -> None:
    op.drop_table('source_figures')
    op.drop_index('ix_account_result_rhythm', table_name='account_result')
    op.drop_index('ix_account_result_class', table_name='account_result')
