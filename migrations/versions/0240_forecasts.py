"""launch checks and dry runs that were worked out in the background"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0240'
down_revision = '0140'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('forecast',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('campaign_id', core.db.Id, nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('asked', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('content_hash', sa.String(length=64), nullable=False),
    sa.Column('audience_hash', sa.String(length=64), nullable=False),
    sa.Column('people_done', sa.Integer(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('result', core.db.Json, nullable=True),
    sa.Column('error', sa.String(length=300), nullable=False),
    sa.Column('asked_by', sa.String(length=200), nullable=False),
    sa.Column('asked_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('beat_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('made_at', core.db.UtcDateTime(), nullable=True),
    sa.CheckConstraint("kind IN ('check','dry_run')", name=op.f('ck_forecast_kind')),
    sa.CheckConstraint("state IN ('waiting','running','done','failed')", name=op.f('ck_forecast_state')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_forecast_campaign_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_forecast'))
    )
    op.create_index('ix_forecast_campaign', 'forecast', ['campaign_id', 'kind', 'asked'])
    op.create_table('forecast_lines',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('forecast_id', core.db.Id, nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('lines', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['forecast_id'], ['forecast.id'], name=op.f('fk_forecast_lines_forecast_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_forecast_lines'))
    )
    op.create_index('ix_forecast_lines_day', 'forecast_lines', ['forecast_id', 'day'])


def downgrade() -> None:
    op.drop_table('forecast_lines')
    op.drop_table('forecast')
