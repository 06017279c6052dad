"""The application: accounts, people, orders, analysis, lists, tasks, meetings, win-back, pages and commands."""
