"""Other front doors than classification, one file each."""
