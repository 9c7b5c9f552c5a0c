"""The small kernel that every service shares: settings, database, problems, identity, paging."""
