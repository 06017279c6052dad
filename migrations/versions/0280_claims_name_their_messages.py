"""A claim names its messages itself; messages need no index by claim any more."""

import sqlalchemy as sa
from alembic import op

revision = "0280"
down_revision = "0274"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch", sa.Column("delivery_ids", sa.Text(), nullable=False, server_default=""))
    op.drop_index("ix_delivery_batch", table_name="delivery")


def downgrade() -> None:
    op.create_index("ix_delivery_batch", "delivery", ["batch_id"])
    op.drop_column("batch", "delivery_ids")
