"""Sound effects and music beds: which are played, when, and how they lie under what is said."""
