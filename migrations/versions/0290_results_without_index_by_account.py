"""The results of one account are found run by run: an index by account doubled the time of storing an analysis."""

from alembic import op

revision = "0290"
down_revision = "0281"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_account_result_account", table_name="account_result")


def downgrade() -> None:
    op.create_index("ix_account_result_account", "account_result", ["account_id"])
