"""what pages of large companies read of runs and scorecards: comparisons, the matrix, back-tests"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0231'
down_revision = '0250'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('run_comparison',
    sa.Column('run_id', core.db.Id, nullable=False),
    sa.Column('before_id', core.db.Id, nullable=False),
    sa.Column('moves', core.db.Json, nullable=False),
    sa.Column('counts', core.db.Json, nullable=False),
    sa.Column('few', core.db.Json, nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['analysis_run.id'], name=op.f('fk_run_comparison_run_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['before_id'], ['analysis_run.id'], name=op.f('fk_run_comparison_before_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'before_id', name=op.f('pk_run_comparison'))
    )
    op.create_table('score_matrix',
    sa.Column('made_of', sa.String(length=200), nullable=False),
    sa.Column('cells', core.db.Json, nullable=False),
    sa.Column('dots', core.db.Json, nullable=False),
    sa.Column('made_at', core.db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('made_of', name=op.f('pk_score_matrix'))
    )
    op.create_table('back_test',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('scorecard_id', core.db.Id, nullable=False),
    sa.Column('asked', sa.String(length=80), nullable=False),
    sa.Column('definition', core.db.Json, nullable=False),
    sa.Column('as_of', sa.Date(), nullable=True),
    sa.Column('months', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('step', sa.String(length=60), nullable=False),
    sa.Column('found', core.db.Json, nullable=True),
    sa.Column('error', sa.String(length=500), nullable=False),
    sa.Column('started_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('finished_at', core.db.UtcDateTime(), nullable=True),
    sa.CheckConstraint("state IN ('waiting','running','done','failed')", name=op.f('ck_back_test_state')),
    sa.ForeignKeyConstraint(['scorecard_id'], ['scorecard.id'], name=op.f('fk_back_test_scorecard_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_back_test')),
    sa.UniqueConstraint('scorecard_id', 'asked', name=op.f('uq_back_test_scorecard_id_asked'))
    )
    op.create_index('ix_account_score_score', 'account_score', ['version_id', 'score'])


def downgrade() -> None:
    op.drop_index('ix_account_score_score', table_name='account_score')
    for table in ('back_test', 'score_matrix', 'run_comparison'):
        op.drop_table(table)
