"""A domain in an afternoon: from recordings and phrases to a model that reacts to them."""
