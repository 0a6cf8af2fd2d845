"""The SQL state: the only place that knows SQLAlchemy. What is committed here is the truth."""
