"""What admins set up once: accounts, mappings, the connection, and whether all of it is in place."""
