"""Files in: reading, mapping, staging, report and rejects."""
