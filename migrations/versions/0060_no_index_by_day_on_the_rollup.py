"""no index by day on the rollup of order days

Nothing reads it by day alone, and keeping it cost an import more than the rollup itself.
"""

from alembic import op

revision = '0060'
down_revision = '0081'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_account_day_day', table_name='account_day')


def downgrade() -> None:
    op.create_index('ix_account_day_day', 'account_day', ['day'])
