"""A grant knows the campaign that made the promise first, so that what is redeemed is charged to it."""

import sqlalchemy as sa
from alembic import op

from core.db import Id

revision = "0304"
down_revision = "0302"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("offer_grant", sa.Column("campaign_id", Id, nullable=True))
    op.create_index("ix_offer_grant_campaign_id", "offer_grant", ["campaign_id"])


def downgrade() -> None:
    op.drop_index("ix_offer_grant_campaign_id", "offer_grant")
    op.drop_column("offer_grant", "campaign_id")
