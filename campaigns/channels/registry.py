"""Every channel beside e-mail, which the dispatcher makes itself. A new channel is a file here and a line below."""

from collections.abc import Mapping

from campaigns.channels import call, letter, visit, webhook
from campaigns.channels.base import CarriedChannel, PlacedChannel
from campaigns.states import Channel

PLACED: Mapping[str, PlacedChannel] = {
    Channel.CALL: call.CHANNEL,
    Channel.LETTER: letter.CHANNEL,
    Channel.VISIT: visit.CHANNEL,
}
CARRIED: Mapping[str, CarriedChannel] = {
    Channel.WEBHOOK: webhook.CHANNEL,
}
