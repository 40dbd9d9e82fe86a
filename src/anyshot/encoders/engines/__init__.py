"""What runs encoders: graphs of networks, compiled in process."""
