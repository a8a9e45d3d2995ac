"""One page to look and listen through a data set: no server, no network, no library."""
