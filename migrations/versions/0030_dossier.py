"""the account dossier"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0030'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('saved_view',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('user_id', core.db.Id, nullable=False),
    sa.Column('page', sa.String(length=30), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('arguments', core.db.Json, nullable=False),
    sa.Column('is_shared', sa.Boolean(), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_saved_view_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view')),
    sa.UniqueConstraint('user_id', 'page', 'name', name=op.f('uq_saved_view_user_id_page_name'))
    )
    op.create_table('competitor',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('offering', sa.String(length=300), nullable=True),
    sa.Column('strength', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=1000), nullable=True),
    sa.Column('seen_on', sa.Date(), nullable=True),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint('strength BETWEEN 1 AND 5', name=op.f('ck_competitor_strength')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_competitor_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_competitor'))
    )
    with op.batch_alter_table('competitor', schema=None) as batch_op:
        batch_op.create_index('ix_competitor_account', ['account_id'], unique=False)
        batch_op.create_index('ix_competitor_name', ['name'], unique=False)

    op.create_table('dossier',
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('history', sa.Text(), nullable=True),
    sa.Column('management', sa.Text(), nullable=True),
    sa.Column('environment', sa.Text(), nullable=True),
    sa.Column('stage', sa.String(length=20), nullable=True),
    sa.Column('standing', sa.Text(), nullable=True),
    sa.Column('next_step', sa.String(length=300), nullable=True),
    sa.Column('next_on', sa.Date(), nullable=True),
    sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('updated_by', sa.String(length=200), nullable=False),
    sa.CheckConstraint("stage IS NULL OR stage IN ('unknown_to_us','contact','offer','first_order','regular','partner','at_risk')", name=op.f('ck_dossier_stage')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_dossier_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_dossier'))
    )
    op.create_table('dossier_link',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('url', sa.String(length=1000), nullable=False),
    sa.Column('added_by', sa.String(length=200), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_dossier_link_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dossier_link'))
    )
    with op.batch_alter_table('dossier_link', schema=None) as batch_op:
        batch_op.create_index('ix_dossier_link_account', ['account_id'], unique=False)

    op.create_table('tender',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=True),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('amount', core.db.Money(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('result', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(length=30), nullable=True),
    sa.Column('reason_text', sa.String(length=500), nullable=True),
    sa.Column('winner', sa.String(length=200), nullable=True),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint("result IN ('open','won','lost','withdrawn')", name=op.f('ck_tender_result')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_tender_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tender'))
    )
    with op.batch_alter_table('tender', schema=None) as batch_op:
        batch_op.create_index('ix_tender_account', ['account_id'], unique=False)

    op.create_table('acquaintance',
    sa.Column('user_id', core.db.Id, nullable=False),
    sa.Column('contact_id', core.db.Id, nullable=False),
    sa.Column('strength', sa.Integer(), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.CheckConstraint('strength BETWEEN 1 AND 3', name=op.f('ck_acquaintance_strength')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_acquaintance_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_acquaintance_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'contact_id', name=op.f('pk_acquaintance'))
    )
    with op.batch_alter_table('acquaintance', schema=None) as batch_op:
        batch_op.create_index('ix_acquaintance_contact', ['contact_id'], unique=False)

    op.create_table('further_seat',
    sa.Column('contact_id', core.db.Id, nullable=False),
    sa.Column('account_id', core.db.Id, nullable=False),
    sa.Column('buying_role', sa.String(length=60), nullable=True),
    sa.Column('title', sa.String(length=200), nullable=True),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_further_seat_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_further_seat_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('contact_id', 'account_id', name=op.f('pk_further_seat'))
    )
    with op.batch_alter_table('further_seat', schema=None) as batch_op:
        batch_op.create_index('ix_further_seat_account', ['account_id'], unique=False)

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.create_index('ix_account_peers', ['industry', 'employees'], unique=False)

    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reports_to_id', core.db.Id, nullable=True))
        batch_op.add_column(sa.Column('confirmed_at', core.db.UtcDateTime(), nullable=True))

    with op.batch_alter_table('product', schema=None) as batch_op:
        batch_op.add_column(sa.Column('availability_note', sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column('application', sa.Text(), nullable=True))

    # ### end Alembic commands ###
    # Influence ran from 1 to 5 until now; it runs from 0 to 10.
    op.execute("UPDATE contact SET influence = influence * 2 WHERE influence IS NOT NULL")


def downgrade() -> None:
    op.execute("UPDATE contact SET influence = (influence + 1) / 2 WHERE influence IS NOT NULL")
    with op.batch_alter_table('product', schema=None) as batch_op:
        batch_op.drop_column('application')
        batch_op.drop_column('availability_note')

    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.drop_column('confirmed_at')
        batch_op.drop_column('reports_to_id')

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_index('ix_account_peers')

    with op.batch_alter_table('further_seat', schema=None) as batch_op:
        batch_op.drop_index('ix_further_seat_account')

    op.drop_table('further_seat')
    with op.batch_alter_table('acquaintance', schema=None) as batch_op:
        batch_op.drop_index('ix_acquaintance_contact')

    op.drop_table('acquaintance')
    with op.batch_alter_table('tender', schema=None) as batch_op:
        batch_op.drop_index('ix_tender_account')

    op.drop_table('tender')
    with op.batch_alter_table('dossier_link', schema=None) as batch_op:
        batch_op.drop_index('ix_dossier_link_account')

    op.drop_table('dossier_link')
    op.drop_table('dossier')
    with op.batch_alter_table('competitor', schema=None) as batch_op:
        batch_op.drop_index('ix_competitor_name')
        batch_op.drop_index('ix_competitor_account')

    op.drop_table('competitor')
    op.drop_table('saved_view')
    # ### end Alembic commands ###
