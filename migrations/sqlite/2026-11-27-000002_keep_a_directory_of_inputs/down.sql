DROP TABLE organisations;
DROP TABLE inputs;
