"""mappings by source, lines of the losses, other names of accounts by their value"""

import sqlalchemy as sa
from alembic import op

revision = '0230'
down_revision = '0240'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('saved_mapping') as table:
        table.add_column(sa.Column('source', sa.String(length=100), server_default='', nullable=False))
        table.drop_constraint('uq_saved_mapping_kind_header_digest', type_='unique')
        table.create_unique_constraint('uq_saved_mapping_kind_source_header_digest', ['kind', 'source', 'header_digest'])
    op.add_column('loss_month', sa.Column('lines', sa.String(length=60), server_default='', nullable=False))
    op.create_index('ix_account_alias_value', 'account_alias', ['kind', 'value_key'])


def downgrade() -> None:
    op.drop_index('ix_account_alias_value', table_name='account_alias')
    op.drop_column('loss_month', 'lines')
    op.execute("DELETE FROM saved_mapping WHERE source <> ''")
    with op.batch_alter_table('saved_mapping') as table:
        table.drop_constraint('uq_saved_mapping_kind_source_header_digest', type_='unique')
        table.create_unique_constraint('uq_saved_mapping_kind_header_digest', ['kind', 'header_digest'])
        table.drop_column('source')
