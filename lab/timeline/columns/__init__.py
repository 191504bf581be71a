"""The timeline of a large recording in columns: an array for each field of all moments.

It alone of lab/timeline needs NumPy. What is unusual about a connection goes the way of the modules above, one by one.
"""
