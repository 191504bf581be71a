"""Tests in real containers, on the lab that LAB_NAME and LAB_SUBNET name."""
