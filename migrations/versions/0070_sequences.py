"""letters, passed steps, how people came into a run, visits as tasks"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0070'
down_revision = '0060'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('letter_batch',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('made_by', sa.String(length=200), nullable=False),
    sa.Column('made_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('posted_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('posted_by', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_batch'))
    )
    op.create_table('letter',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('delivery_id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('contact_id', core.db.Id, nullable=False),
    sa.Column('campaign_title', sa.String(length=200), nullable=False),
    sa.Column('step', sa.String(length=60), nullable=False),
    sa.Column('address', core.db.Json, nullable=False),
    sa.Column('sender', core.db.Json, nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('made_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('batch_id', core.db.Id, nullable=True),
    sa.Column('posted_at', core.db.UtcDateTime(), nullable=True),
    sa.Column('taken_back_at', core.db.UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['batch_id'], ['letter_batch.id'], name=op.f('fk_letter_batch_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_letter_delivery_id'))
    )
    waiting = sa.text('batch_id IS NULL')
    op.create_index('ix_letter_account_id', 'letter', ['account_id'])
    op.create_index('ix_letter_waiting', 'letter', ['id'], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index('ix_letter_batch', 'letter', ['batch_id'])
    op.create_table('step_passage',
    sa.Column('enrolment_id', core.db.Id, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(length=60), nullable=False),
    sa.Column('went_to', sa.String(length=60), nullable=False),
    sa.Column('because', sa.String(length=200), nullable=False),
    sa.Column('at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolment.id'], name=op.f('fk_step_passage_enrolment_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('enrolment_id', 'position', name=op.f('pk_step_passage'))
    )
    op.add_column('run', sa.Column('kind', sa.String(length=10), server_default='launch', nullable=False))
    op.add_column('enrolment', sa.Column('origin', sa.String(length=20), server_default='launch', nullable=False))
    op.add_column('enrolment', sa.Column('wave', sa.Integer(), server_default='0', nullable=False))
    op.add_column('enrolment', sa.Column('replaces_id', core.db.Id, nullable=True))
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_task_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_task_kind'), "kind IN ('task','call','visit')")


def downgrade() -> None:
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_task_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_task_kind'), "kind IN ('task','call')")
    for name in ('replaces_id', 'wave', 'origin'):
        op.drop_column('enrolment', name)
    op.drop_column('run', 'kind')
    op.drop_table('step_passage')
    op.drop_table('letter')
    op.drop_table('letter_batch')
