"""the ledger of engagement"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0011'
down_revision = '0090'
branch_labels = None
depends_on = None


def _account() -> sa.ForeignKey:
    return sa.ForeignKey('account.id', ondelete='CASCADE')


def upgrade() -> None:
    op.create_table(
        'engagement_rules',
        sa.Column('id', core.db.Id, primary_key=True),
        sa.Column('content', core.db.Json, nullable=False),
        sa.Column('note', sa.String(length=300), nullable=False),
        sa.Column('made_by', sa.String(length=200), nullable=False),
        sa.Column('made_at', core.db.UtcDateTime(), nullable=False),
    )
    op.create_table(
        'engagement_entry',
        sa.Column('id', core.db.Id, primary_key=True),
        sa.Column('account_id', core.db.Id, _account(), nullable=False),
        sa.Column('contact_id', core.db.Id, nullable=True),
        sa.Column('rules_id', core.db.Id, nullable=False),
        sa.Column('source', sa.String(length=10), nullable=False),
        sa.Column('source_id', core.db.Id, nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('points', sa.Float(), nullable=False),
        sa.Column('at', core.db.UtcDateTime(), nullable=False),
        sa.UniqueConstraint('source', 'source_id', name='uq_engagement_entry_source_source_id'),
    )
    op.create_index('ix_engagement_entry_account', 'engagement_entry', ['account_id', 'at'])
    op.create_index('ix_engagement_entry_at', 'engagement_entry', ['at'])
    op.create_table(
        'account_engagement',
        sa.Column('account_id', core.db.Id, _account(), primary_key=True),
        sa.Column('points', sa.Float(), nullable=False),
        sa.Column('people', sa.Integer(), nullable=False),
        sa.Column('is_qualified', sa.Boolean(), server_default=sa.false(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False)
          for name in ('touches', 'touches_before', 'answers', 'answers_before')),
        sa.Column('decay', sa.String(length=40), nullable=False),
        sa.Column('computed_at', core.db.UtcDateTime(), nullable=False),
    )
    op.create_table(
        'qualification_change',
        sa.Column('id', core.db.Id, primary_key=True),
        sa.Column('account_id', core.db.Id, _account(), nullable=False),
        sa.Column('is_qualified', sa.Boolean(), nullable=False),
        sa.Column('expression', core.db.Json, nullable=False),
        sa.Column('at', core.db.UtcDateTime(), nullable=False),
    )
    op.create_index('ix_qualification_change_account', 'qualification_change', ['account_id', 'at'])
    op.create_table(
        'engagement_cooling',
        sa.Column('account_id', core.db.Id, _account(), primary_key=True),
        sa.Column('until', core.db.UtcDateTime(), nullable=False),
        sa.Column('reason', sa.String(length=300), nullable=False),
    )


def downgrade() -> None:
    for name in ('engagement_cooling', 'qualification_change', 'account_engagement', 'engagement_entry',
                 'engagement_rules'):
        op.drop_table(name)
