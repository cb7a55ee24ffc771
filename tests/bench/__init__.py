"""Speed and memory at the reference shop's size, as ratios measured in one run: `make bench`."""
