-- The table of inputs is there since the first migration, and its key begins with the input and the organisation.
SELECT 1;
