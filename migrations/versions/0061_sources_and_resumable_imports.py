"""sources, and imports that go on where they were ended"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0061'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column('holder', sa.String(length=255), server_default='', nullable=False),
        sa.Column('merged_up_to', sa.Integer(), server_default='0', nullable=False),
        sa.Column('stage_mark', sa.String(length=60), server_default='', nullable=False),
        sa.Column('wants_cancel', sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column('import_run', column)
    op.create_table(
        'source',
        sa.Column('id', core.db.Id, nullable=False),
        sa.Column('name', sa.String(length=80), nullable=False),
        sa.Column('title', sa.String(length=200), nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('definition', core.db.Json, nullable=False),
        sa.Column('secret_sealed', sa.Text(), nullable=False),
        sa.Column('every_minutes', sa.Integer(), nullable=False),
        sa.Column('next_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('pulled_at', core.db.UtcDateTime(), nullable=True),
        sa.Column('error', sa.Text(), nullable=False),
        sa.Column('import_id', core.db.Id, nullable=True),
        sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
        sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
        sa.CheckConstraint('every_minutes >= 0', name=op.f('ck_source_every')),
        sa.ForeignKeyConstraint(['import_id'], ['import_run.id'], name=op.f('fk_source_import_id'), ondelete='SET NULL'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_source')),
        sa.UniqueConstraint('name', name=op.f('uq_source_name')),
    )
    op.create_index(op.f('ix_source_next_at'), 'source', ['next_at'])


def downgrade() -> None:
    op.drop_table('source')
    for name in ('wants_cancel', 'stage_mark', 'merged_up_to', 'holder'):
        op.drop_column('import_run', name)
