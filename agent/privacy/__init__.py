"""The one gate through which every text of a session leaves, and what it takes out."""
