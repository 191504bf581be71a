"""What happens in the lab while it happens: what the captures and the kernel tell, put together piece by piece."""
