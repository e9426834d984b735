"""Infrastructure: the database and its doors, facts, answers, batches, limits, settings, logs."""
