"""The page: results for people, in a browser. It reads the database and changes nothing."""
