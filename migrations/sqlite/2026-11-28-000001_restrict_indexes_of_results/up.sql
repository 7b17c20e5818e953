-- Its index by time of issue is short already.
SELECT 1;
