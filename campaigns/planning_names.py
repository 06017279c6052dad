"""Names of the planning jobs, for whoever rings them."""

PLAN, ADVANCE, STOP_ORDERED = "outreach.plan", "outreach.advance", "outreach.stop-ordered"
RETURN, TAKE_BACK = "outreach.return", "outreach.take-back-letters"
