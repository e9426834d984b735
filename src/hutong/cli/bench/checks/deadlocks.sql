-- How many transactions of this database PostgreSQL has ended because they waited for each other.
select json_build_object('deadlocks', deadlocks) from pg_stat_database where datname = current_database();
