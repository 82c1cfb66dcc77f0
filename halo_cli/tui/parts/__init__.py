"""What several pages of the dashboard are made of: tables, lists, forms, and how events and terms are worded."""
