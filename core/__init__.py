"""What both the application and the outreach engine stand on. A closed list; see docs/decisions."""
