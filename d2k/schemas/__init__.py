"""marshmallow schemas of request bodies and queries."""
