"""The command line, the demonstration and the check of the installation."""
