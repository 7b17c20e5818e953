-- It has many writers.
SELECT 1;
