"""A folder of notes, and where in them a question's words stand."""
