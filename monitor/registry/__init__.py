"""Values that a schema registry's serializers framed: their schemas, fetched once, and what they hold."""
