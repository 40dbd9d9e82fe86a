"""Several tasks over the same items: what one has learned is a prior for the others."""
