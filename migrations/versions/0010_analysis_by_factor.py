"""the analysis by more than the account, with its thresholds, and doubts about a lapse"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0010'
down_revision = '0070'
branch_labels = None
depends_on = None

_FURTHER = (
    ("key_membership", sa.Float()), ("segment", sa.String(length=20)), ("seasonal_years", sa.Integer()),
    ("recent_gap_days", sa.Float()), ("year_value", sa.Float()), ("year_before_value", sa.Float()),
    ("relative_share", sa.Float()), ("quadrant", sa.String(length=20)), ("expected_value_12m", sa.Float()),
)


def upgrade() -> None:
    op.add_column('analysis_run', sa.Column('factor', sa.String(length=10), server_default='account', nullable=False))
    op.add_column('analysis_run', sa.Column('thresholds', core.db.Json, nullable=True))
    op.add_column('analysis_run', sa.Column('fingerprint', sa.String(length=40), nullable=True))
    for name, kind in _FURTHER:
        op.add_column('account_result', sa.Column(name, kind, nullable=True))
    op.create_index('ix_account_result_value', 'account_result', ['run_id', 'value'])
    op.add_column('winback_case', sa.Column('seasonal_years', sa.Integer(), server_default='0', nullable=False))
    op.create_table(
        'factor_result',
        sa.Column('run_id', core.db.Id, nullable=False),
        sa.Column('thing_id', core.db.Id, nullable=False),
        sa.Column('key', sa.String(length=200), nullable=False),
        sa.Column('label', sa.String(length=300), nullable=False),
        *(sa.Column(name, kind, nullable=is_nullable) for name, kind, is_nullable in _RESULT),
        *(sa.Column(name, kind, nullable=True) for name, kind in _FURTHER),
        sa.ForeignKeyConstraint(['run_id'], ['analysis_run.id'], name='fk_factor_result_run_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('run_id', 'thing_id', name='pk_factor_result'),
    )
    op.create_index('ix_factor_result_value', 'factor_result', ['run_id', 'value'])


_RESULT = (
    ("orders", sa.Integer(), False), ("value", sa.Float(), False), ("share", sa.Float(), True),
    ("cumulative_share", sa.Float(), True), ("abc", sa.String(length=1), True), ("cv", sa.Float(), True),
    ("xyz", sa.String(length=1), True), ("is_new", sa.Boolean(), False), ("cell", sa.String(length=2), True),
    ("recency_days", sa.Integer(), True), ("frequency", sa.Integer(), True), ("monetary", sa.Float(), True),
    ("r", sa.Integer(), True), ("f", sa.Integer(), True), ("m", sa.Integer(), True),
    ("order_days", sa.Integer(), False), ("first_on", sa.Date(), True), ("last_on", sa.Date(), True),
    ("median_gap_days", sa.Float(), True), ("days_since_last", sa.Integer(), True), ("overdue_ratio", sa.Float(), True),
    ("rhythm", sa.String(length=10), False), ("p_alive", sa.Float(), True), ("expected_orders_12m", sa.Float(), True),
)


def downgrade() -> None:
    op.drop_table('factor_result')
    op.drop_index('ix_account_result_value', 'account_result')
    with op.batch_alter_table('winback_case') as table:
        table.drop_column('seasonal_years')
    with op.batch_alter_table('account_result') as table:
        for name, _kind in reversed(_FURTHER):
            table.drop_column(name)
    with op.batch_alter_table('analysis_run') as table:
        for name in ('fingerprint', 'thresholds', 'factor'):
            table.drop_column(name)
