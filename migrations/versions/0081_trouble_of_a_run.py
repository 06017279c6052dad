"""bounces and complaints of a run are found by an index of their own"""

import sqlalchemy as sa
from alembic import op

revision = '0081'
down_revision = '0040'
branch_labels = None
depends_on = None


def upgrade() -> None:
    trouble = sa.text("state IN ('bounced_hard','complained','failed_permanent')")
    op.create_index('ix_delivery_trouble', 'delivery', ['run_id'], sqlite_where=trouble, postgresql_where=trouble)


def downgrade() -> None:
    op.drop_index('ix_delivery_trouble', 'delivery')
