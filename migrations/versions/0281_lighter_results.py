"""Results of an analysis are stored without what nobody asks for: the key to the run, and the index by cell."""

from alembic import op

revision = "0281"
down_revision = "0274b"
branch_labels = None
depends_on = None

_TO_RUN = "fk_account_result_run_id"


def upgrade() -> None:
    op.drop_index("ix_account_result_cell", table_name="account_result")
    with op.batch_alter_table("account_result") as batch_op:
        batch_op.drop_constraint(_TO_RUN, type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("account_result") as batch_op:
        batch_op.create_foreign_key(_TO_RUN, "analysis_run", ["run_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_account_result_cell", "account_result", ["run_id", "cell"])
