"""Imports every table, so that the metadata is complete for migrations and tests."""

import abm.accounts.models
import abm.analysis.models
import abm.api.models
import abm.audit.models
import abm.catalogue.models
import abm.company.models
import abm.contacts.models
import abm.dossier.models
import abm.engagement.models
import abm.identity.models
import abm.imports.models
import abm.integrations.models
import abm.materials.models
import abm.meetings.models
import abm.offers.models
import abm.orders.models
import abm.outreach.models
import abm.partners.models
import abm.plans.models
import abm.scorecards.models
import abm.targets.models
import abm.targets.scopes
import abm.targets.tracking
import abm.users.models
import abm.winback.models
import abm.work.list_fields
import abm.work.models
import campaigns.models
import core.jobs.ticks
from core.db import Base

metadata = Base.metadata

__all__ = ["metadata"]
