"""The application's side of campaigns: pages, files, commands, and what the engine needs from outside."""
