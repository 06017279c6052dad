"""The frame every page stands in: requests, permissions, security headers, tables, charts."""
