"""Several voices in one stream, and how loud each is. It knows no platform."""
