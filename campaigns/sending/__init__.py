"""Who mail is sent as: identities, their limits, the circuit breaker, signing, and what the domain's records say."""
