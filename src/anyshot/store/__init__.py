"""What is kept on disk: encoded inputs."""
