"""Streams as the model meets them: token ids, what to learn where, many in one row."""
