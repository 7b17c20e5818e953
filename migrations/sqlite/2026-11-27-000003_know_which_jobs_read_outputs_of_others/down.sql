DROP TRIGGER bound_outputs_follow_update;
DROP TRIGGER bound_outputs_follow_insert;
DROP TRIGGER outputs_follow_delete;
DROP TRIGGER outputs_follow_update;
DROP TRIGGER outputs_follow_insert;
DROP TABLE bound_outputs;
DROP TABLE outputs;
