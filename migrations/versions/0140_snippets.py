"""snippets of content, and signatures"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0140'
down_revision = '0120'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('content_snippet',
    sa.Column('id', core.db.Id, nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('updated_at', core.db.UtcDateTime(), nullable=False),
    sa.Column('updated_by', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_content_snippet')),
    sa.UniqueConstraint('name', 'language', name=op.f('uq_content_snippet_name_language'))
    )
    op.add_column('app_user', sa.Column('signature', sa.String(length=1000), server_default='', nullable=False))


def downgrade() -> None:
    op.drop_column('app_user', 'signature')
    op.drop_table('content_snippet')
