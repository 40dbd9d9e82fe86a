"""Zero-shot learning: answers for classes without a label."""
