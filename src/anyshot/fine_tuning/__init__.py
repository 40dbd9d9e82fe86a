"""Fine-tuning above a frozen trunk: what is frozen is computed once, the rest and a head are trained."""
