"""Pages of the workspace about announcements that agencies write."""
