"""What every package shares: validation, labels, items, images, model folders."""
