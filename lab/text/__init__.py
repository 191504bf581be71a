"""What people read, in English and Chinese, apart from the code."""
