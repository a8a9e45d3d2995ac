"""Who comes to which room: LiveKit's worker, its admission, and a visitor for trying it out."""
