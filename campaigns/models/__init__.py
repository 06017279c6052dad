"""Tables of the engine. Accounts and people are opaque ids here: nothing refers to the application's tables."""

from campaigns.models.campaign import Approval, ApprovedMember, Campaign, CampaignVersion, Run
from campaigns.models.consent import ConsentEvent, StopEpoch, Suppression
from campaigns.models.enrolment import Enrolment, HoldoutAccount, HoldoutGhost, StepPassage
from campaigns.models.event import Event, Link
from campaigns.models.gate import GateRecord
from campaigns.models.letter import Letter, LetterBatch
from campaigns.models.message import Attempt, Batch, CapBucket, ConversationLock, Delivery, EarlierMessageId, Touch
from campaigns.models.receiving import EventHook, Mailbox
from campaigns.models.sending import DkimKey, RelayHealth, SendingIdentity, WebhookKey

__all__ = [
    "Approval",
    "ApprovedMember",
    "Attempt",
    "Batch",
    "Campaign",
    "CampaignVersion",
    "CapBucket",
    "ConsentEvent",
    "ConversationLock",
    "Delivery",
    "DkimKey",
    "EarlierMessageId",
    "Enrolment",
    "Event",
    "EventHook",
    "GateRecord",
    "HoldoutAccount",
    "HoldoutGhost",
    "Letter",
    "LetterBatch",
    "Link",
    "Mailbox",
    "RelayHealth",
    "Run",
    "SendingIdentity",
    "StepPassage",
    "StopEpoch",
    "Suppression",
    "Touch",
    "WebhookKey",
]
