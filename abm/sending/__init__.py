"""Sending identities: who mail is sent as, through which relay, how fast, signed with what."""
