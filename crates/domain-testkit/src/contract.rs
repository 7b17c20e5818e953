//! The contract suite: what every store does, case by case.
//!
//! Each case is a function that takes an **empty** store. [`contract_suite!`](crate::contract_suite) makes a `#[test]`
//! of each of them, and holds the only list of their names. A case that is not in that list is dead code, which the
//! compiler reports.
//!
//! # How to add a case
//!
//! Write a `pub(super) fn` in the module of its subject, named after what a store does, and add the name to the list.
//! Look at the store through the ports only, and compare with `assert_exactly`: contracts and bindings are equal in any
//! order, but are stored in the one that was given.
//!
//! What no use case asks for has no case, so that no store spends anything on it: a plan whose job runs another version
//! than the one that is created with it, for example.
#![expect(clippy::similar_names, reason = "the stores and what is stored are told apart by their types")]

mod apply;
#[doc(hidden)]
pub mod cases;
mod catalog;
mod fixture;
mod inputs;
mod jobs;
mod results;
mod store;

/// Makes a `#[test]` of each case of the contract suite, in a module for each port.
///
/// The argument is a function (or a path to one) that makes an empty store: `fn() -> Stores`. It is called once for
/// each case, from several threads. With the name of a part in front of it, as in `sources: make_stores`, only the
/// cases of that part are made, for a store that does not do everything itself; the other ports of `Stores` may be
/// those of the [`MemoryStore`](crate::MemoryStore):
///
/// - `sources`: sources that have no versions ([`SourceRepository`](prediction_domain::ports::SourceRepository));
/// - `leases`: [`LeaseRepository`](prediction_domain::ports::LeaseRepository);
/// - `statistics`: [`StoreStatistics`](prediction_domain::ports::StoreStatistics);
/// - `results`: runs, their values and what becomes of them, for a store that keeps those in another way than jobs.
#[macro_export]
macro_rules! contract_suite {
    (@list $purpose:tt) => {
        $crate::contract_suite! { @expand $purpose
            store {
                health {
                    an_empty_store_can_do_its_work
                    a_store_in_use_can_do_its_work
                    a_little_can_be_written
                }
                leases {
                    a_lease_is_held_by_one_until_it_ends
                    the_end_of_the_last_lease_is_known
                    a_lease_that_ends_too_far_ahead_is_held_by_no_replica
                }
                statistics {
                    connections_are_told_without_waiting
                }
                quotas {
                    as_many_jobs_are_stored_as_there_may_be
                    a_job_that_is_there_is_found_whatever_the_quota
                    jobs_that_were_there_before_count
                    a_batch_gives_what_its_plans_give_one_after_the_other_up_to_the_quota
                    of_many_setups_at_once_as_many_are_made_as_there_is_room_for
                    jobs_that_are_stored_and_deleted_at_once_are_counted_right
                    as_much_is_reported_in_a_day_as_may_be
                    what_cannot_be_stored_is_told_before_a_quota_and_uses_nothing
                    every_way_to_report_uses_the_quota
                    of_many_reports_at_once_as_many_are_stored_as_there_is_room_for
                    as_many_changes_are_made_in_a_day_as_may_be
                }
                weights {
                    pages_of_sources_end_by_weight
                    pages_of_source_versions_end_by_weight
                    pages_of_jobs_and_revisions_end_by_weight
                    pages_of_runs_end_by_weight
                }
                clocks {
                    creation_order_is_the_same_whatever_clocks_say
                    the_newest_version_is_the_one_that_was_published_last
                    jobs_that_use_a_version_are_named_in_creation_order
                }
                lists {
                    an_empty_store_lists_nothing
                    sources_are_listed_in_creation_order_on_pages_of_every_size
                    source_versions_are_listed_in_creation_order_on_pages_of_every_size
                    jobs_are_listed_in_creation_order_on_pages_of_every_size
                    sources_of_one_microsecond_are_in_creation_order
                    source_versions_of_one_microsecond_are_in_creation_order
                    jobs_of_one_microsecond_are_in_creation_order
                    the_largest_page_holds_two_hundred
                    a_page_starts_behind_any_position
                    a_walk_is_stable_while_sources_come_change_and_go
                    a_walk_is_stable_while_jobs_come_change_and_go
                    sources_are_filtered_by_name
                    sources_are_filtered_by_owner
                    source_versions_are_filtered_by_source
                    jobs_are_filtered_by_every_combination_of_conditions
                    jobs_are_filtered_by_what_they_are_bound_to_now
                    a_job_that_binds_an_input_twice_is_listed_once
                    jobs_are_listed_within_the_scope
                    a_scope_may_hold_a_thousand_organisations
                    an_organisation_outside_the_scope_lists_nothing
                }
                races {
                    of_many_sources_with_one_name_one_is_stored
                    of_many_versions_with_one_label_one_is_stored
                    of_many_setups_with_one_name_one_creates_the_job
                    of_many_attempts_of_one_plan_one_creates_the_job
                    of_many_setups_with_one_new_source_one_creates_it
                    of_many_setups_with_one_new_version_one_creates_it
                    batches_that_overlap_in_opposite_orders_create_each_job_once
                    batches_that_publish_in_opposite_orders_create_each_source_once
                    of_many_updates_of_one_source_one_is_made
                    of_many_updates_of_one_job_one_is_made
                    of_many_renames_to_one_name_one_is_made
                    dry_runs_do_not_see_or_hinder_each_other
                    readers_see_all_of_a_set_up_or_nothing
                }
                deletion_races {
                    of_many_deletes_of_one_job_one_deletes_it
                    of_an_update_and_a_delete_of_one_job_one_is_made
                    of_an_update_and_a_delete_of_one_source_one_is_made
                    a_job_deleted_during_setups_of_its_name_is_found_or_replaced
                    a_source_deleted_during_inserts_of_its_name_is_found_or_replaced
                    a_version_deleted_during_setups_leaves_no_orphan
                    a_version_deleted_during_updates_leaves_no_orphan
                    a_source_deleted_while_versions_are_published_leaves_no_orphan
                }
                history {
                    every_history_gives_what_the_model_gives
                }
            }
            apply {
                plans {
                    everything_of_a_plan_reads_back_as_it_was_stored
                    what_a_plan_changes_reads_back
                    a_change_of_management_alone_makes_no_revision
                    a_version_that_is_adopted_stays_what_it_was
                    things_are_deleted_in_the_order_of_the_plan
                    a_dry_run_of_a_plan_stores_nothing
                    a_thousand_jobs_and_inputs_are_stored_at_once
                    random_plans_give_what_the_model_gives
                }
                overtaken_plans {
                    a_plan_is_overtaken_by_what_is_taken
                    a_plan_is_overtaken_by_what_was_changed_or_deleted
                    a_plan_is_overtaken_by_what_refers_to_things
                }
                plans_and_quotas {
                    a_plan_makes_as_many_jobs_as_there_may_be
                    the_changes_of_a_plan_use_what_may_be_changed_in_a_day
                }
                plans_and_chains {
                    jobs_of_a_plan_may_read_each_other
                    a_plan_closes_no_cycle
                    a_cycle_between_two_writes_of_a_plan_is_none
                    a_plan_takes_no_output_away_that_is_read
                }
                plans_at_once {
                    of_many_plans_for_the_same_things_one_is_stored
                    of_a_plan_and_a_change_of_one_job_one_is_made
                    plans_in_opposite_orders_get_through
                    plans_and_changes_close_no_cycle
                }
                managed_lists {
                    lists_are_filtered_by_the_set_that_keeps_things
                    jobs_of_a_set_are_filtered_and_counted_by_more
                }
                needs {
                    what_nothing_would_need_is_told
                    the_runs_of_jobs_are_counted
                }
            }
            inputs {
                directory {
                    an_input_reads_back_as_it_was_stored
                    each_organisation_has_a_directory_of_its_own
                    inputs_are_put_at_the_revision_before_or_none_is
                    inputs_are_listed_by_organisation_and_id_and_filtered
                    a_part_of_a_name_is_found_without_case
                    an_input_is_deleted_unless_a_job_of_its_organisation_has_it_bound
                    it_is_told_which_inputs_are_bound
                    of_many_that_put_one_input_one_does
                    imports_that_overlap_in_opposite_orders_do_not_stand_in_each_others_way
                }
                organisations {
                    an_organisation_is_listed_by_what_it_has
                    the_last_name_of_an_organisation_is_kept_until_it_is_taken_away
                }
            }
            catalog {
                sources {
                    every_field_reads_back_as_it_was_stored
                    text_of_every_kind_reads_back_as_it_was_stored
                    the_longest_texts_are_stored_and_found
                    what_is_not_stored_is_not_found
                    find_many_answers_in_the_order_asked_for
                    find_many_takes_a_thousand_ids
                    names_are_found_without_case
                    names_are_not_patterns
                    names_that_look_alike_are_different_names
                    a_taken_id_is_refused_with_its_source
                    a_taken_name_is_refused_with_its_source
                    a_taken_id_counts_before_a_taken_name
                    an_update_replaces_everything_but_id_and_creation
                    an_update_of_nothing_is_missing
                    an_update_of_another_revision_is_stale
                    an_update_to_a_taken_name_is_refused_with_its_source
                    an_update_may_keep_its_name_or_change_its_case
                    an_update_frees_the_former_name
                    an_update_is_judged_by_existence_then_revision_then_name
                    a_dry_run_of_an_update_is_judged_and_changes_nothing
                    a_deleted_source_is_gone_and_its_id_and_name_are_free
                    a_delete_of_nothing_is_missing
                    a_delete_of_another_revision_is_stale
                    a_dry_run_of_a_delete_is_judged_and_changes_nothing
                }
                sources_in_use {
                    a_delete_of_a_source_with_versions_counts_them
                    a_delete_of_another_revision_is_stale_before_it_is_in_use
                    a_dry_run_of_a_delete_of_a_source_with_versions_is_judged
                }
                source_versions {
                    every_field_reads_back_as_it_was_stored
                    the_order_of_roles_is_kept
                    text_of_every_kind_reads_back_as_it_was_stored
                    the_largest_contract_reads_back_as_it_was_stored
                    roles_that_look_alike_are_different_roles
                    what_is_not_stored_is_not_found
                    find_many_answers_in_the_order_asked_for
                    find_many_takes_a_thousand_ids
                    labels_are_found_with_or_without_the_leading_v
                    labels_that_look_alike_are_different_labels
                    two_sources_may_have_a_version_of_the_same_label
                    a_taken_id_is_refused_with_its_version
                    a_taken_label_is_refused_with_its_version
                    a_taken_id_counts_before_a_taken_label
                    a_version_of_no_source_is_refused
                    the_newest_is_the_last_in_creation_order
                    a_deleted_version_is_gone_and_its_id_and_label_are_free
                    a_delete_of_nothing_is_missing
                    a_delete_of_a_version_in_use_counts_all_jobs_and_names_the_visible_ones
                    a_delete_of_a_version_in_use_names_the_first_ten_jobs
                    a_dry_run_of_a_delete_is_judged_and_changes_nothing
                }
                lifecycles {
                    a_lifecycle_reads_back_as_it_was_stored
                    a_lifecycle_is_changed_at_the_revision_that_is_expected
                    the_version_to_take_is_the_newest_that_is_active_or_else_deprecated
                    versions_and_jobs_are_filtered_by_stage
                    jobs_are_counted_by_the_stage_of_their_version
                    a_replacement_can_be_deleted
                }
            }
            jobs {
                single_jobs {
                    every_field_reads_back_as_it_was_stored
                    the_order_of_bindings_and_outputs_is_kept
                    text_of_every_kind_reads_back_as_it_was_stored
                    the_largest_job_reads_back_as_it_was_stored
                    the_longest_names_are_stored_and_found
                    what_is_not_stored_is_not_found
                    names_are_found_exactly
                    find_many_answers_in_the_order_asked_for
                    find_many_takes_a_thousand_ids
                    find_many_judges_each_scope_by_itself
                    an_update_replaces_what_may_change
                    an_update_may_bind_and_unbind_everything
                    an_update_of_nothing_is_missing
                    an_update_under_another_organisation_is_missing
                    an_update_of_another_revision_is_stale
                    an_update_to_a_taken_name_is_refused_with_its_job
                    an_update_may_take_the_name_of_another_organisations_job
                    an_update_frees_the_former_name
                    an_update_to_a_missing_version_is_refused
                    an_update_to_a_version_of_another_source_is_refused
                    an_update_is_judged_by_existence_then_revision_then_name_then_version
                    a_dry_run_of_an_update_is_judged_and_changes_nothing
                    a_deleted_job_is_gone_and_its_name_is_free
                    a_delete_of_nothing_is_missing
                    a_delete_outside_the_scope_is_missing
                    a_delete_of_another_revision_is_stale
                    a_dry_run_of_a_delete_is_judged_and_changes_nothing
                }
                revisions {
                    a_new_job_has_its_first_revision
                    what_a_job_was_is_kept_when_it_changes
                    the_author_of_a_change_is_kept
                    revisions_are_listed_from_any_place
                    revisions_of_another_organisation_are_not_found
                    a_refused_update_and_a_dry_run_keeps_nothing
                    a_deleted_job_has_no_revisions
                    a_version_that_a_job_had_is_in_use
                }
                monitoring {
                    a_job_that_never_ran_has_no_runs
                    monitored_jobs_are_found_in_the_order_asked_for_and_each_in_its_scope
                    runs_add_up_in_whatever_order_they_are_reported
                    runs_that_are_reported_at_the_same_time_add_up
                    a_report_that_is_refused_adds_nothing
                    what_the_source_promises_is_read_as_it_is_now
                    when_a_job_was_activated_reads_back
                    every_transition_is_at_its_microsecond
                    jobs_are_listed_and_counted_by_every_health
                    a_condition_on_health_is_one_among_others
                }
                judgements {
                    where_there_is_nothing_to_judge_nothing_is_judged
                    what_happens_ends_what_was_judged
                    a_judge_beside_reports_misses_none
                }
                set_up {
                    no_plans_have_no_outcomes
                    a_plan_for_everything_stores_everything
                    a_plan_may_use_a_stored_source_and_version
                    a_plan_may_publish_a_version_of_a_stored_source
                    the_same_name_in_two_organisations_makes_two_jobs
                    names_in_other_case_make_two_jobs
                    a_taken_name_returns_the_stored_job_and_stores_nothing
                    the_same_plan_again_returns_the_stored_job
                    a_taken_name_counts_before_everything_else
                    a_taken_source_is_rejected_and_nothing_is_stored
                    a_taken_version_is_rejected_and_nothing_is_stored
                    a_missing_reference_is_rejected_and_nothing_is_stored
                    a_version_of_another_source_is_a_missing_reference
                    a_taken_source_counts_before_a_taken_version
                    a_taken_version_counts_before_a_missing_reference
                    a_taken_job_id_is_a_failure_and_nothing_is_stored
                    a_dry_run_is_judged_and_stores_nothing
                }
                chains {
                    outputs_are_found_by_their_ids_within_the_scope
                    an_output_is_found_as_long_as_its_job_has_it
                    what_is_no_output_of_the_organisation_is_not_bound
                    a_batch_binds_outputs_like_one_plan_after_the_other
                    a_job_never_comes_to_read_its_own_output
                    the_way_that_would_be_a_cycle_is_told
                    an_output_that_is_read_is_not_taken_away
                    a_deleted_reader_is_none_any_more
                    readers_are_found_in_order_and_within_the_organisation
                    jobs_whose_outputs_are_read_are_counted
                    the_nearest_jobs_that_are_in_the_way_are_told
                    what_is_in_the_way_is_looked_for_so_far_and_told_of_so_many
                    of_many_that_close_one_cycle_one_is_refused
                    a_set_up_and_a_change_close_no_cycle
                    a_restored_job_closes_no_cycle
                    an_output_that_is_bound_while_it_goes_is_there_or_not_bound
                }
                batches {
                    a_batch_gives_what_its_plans_give_one_after_the_other
                    random_batches_give_what_their_plans_give_one_after_the_other
                    of_two_plans_with_one_name_the_first_creates_the_job
                    a_plan_that_fails_fails_alone
                    a_plan_may_use_what_an_earlier_one_stored
                    a_plan_may_not_use_what_an_earlier_dry_run_made
                    a_batch_of_three_hundred_small_plans_is_stored
                    a_batch_of_the_largest_jobs_is_stored
                }
            }
            results {
                runs {
                    every_field_reads_back_as_it_was_stored
                    values_of_every_kind_read_back_as_they_were_stored
                    the_largest_report_is_stored
                    a_run_of_no_job_is_refused
                    a_run_issued_at_a_taken_time_is_refused_with_the_stored_one
                    runs_of_other_jobs_may_be_issued_at_the_same_time
                    a_run_is_found_only_as_one_of_its_job
                    runs_are_listed_from_the_last_issued_on_pages_of_every_size
                    runs_are_filtered_by_status_and_time
                    the_value_that_was_issued_last_is_read
                    values_are_read_as_of_any_time
                    the_values_of_one_run_are_read
                    values_are_filtered_by_role_and_time
                    values_are_paged_by_role_and_time
                    what_was_issued_too_long_ago_is_not_read
                    a_run_that_failed_hides_no_values
                    the_runs_of_a_deleted_job_are_not_found
                    of_many_reports_of_one_run_one_is_stored
                }
                readings {
                    pages_of_one_reading_belong_together
                    a_reading_is_about_what_there_was_while_many_report
                    runs_are_numbered_in_the_order_in_which_they_are_stored
                    what_was_issued_by_a_clock_that_is_ahead_is_read
                    what_was_known_at_a_time_is_read
                    every_reading_gives_what_the_model_gives
                }
                reporting {
                    each_run_that_comes_without_a_time_is_issued_after_those_before
                    no_report_waits_for_a_time_that_is_further_ahead_than_clocks_differ
                    a_run_that_comes_without_a_time_finds_one_that_is_free
                    of_many_runs_without_a_time_each_has_one_of_its_own
                    a_run_without_a_time_needs_its_job
                    a_success_takes_the_place_of_a_failure
                    what_is_not_there_or_succeeded_is_not_replaced
                    of_many_that_replace_one_failure_one_does
                    a_deleted_run_is_as_if_it_had_never_been_reported
                    a_run_is_deleted_only_as_one_of_its_job
                    a_run_is_deleted_only_at_the_revision_that_is_expected
                    a_deleted_success_gives_its_place_back_to_the_failure
                    runs_add_up_after_any_deletion_and_replacement
                    what_was_issued_ahead_counts_by_when_it_was_received
                    runs_of_a_clock_that_was_wrong_do_not_count_once_it_is_right
                    a_success_that_comes_late_behind_many_failures_counts_those_after_it
                    what_was_replaced_goes_with_its_job
                }
                retention {
                    an_empty_store_has_nothing_to_purge
                    values_go_when_their_retention_has_passed_and_no_earlier
                    the_oldest_value_that_is_still_stored_is_known
                    what_is_kept_for_ever_is_kept
                    a_retention_is_taken_as_it_is_now
                    a_purge_deletes_no_more_than_it_was_told_and_goes_on
                    what_belonged_to_a_deleted_job_goes
                    a_deleted_job_without_runs_leaves_nothing_to_purge
                    what_is_reported_after_it_has_expired_goes_too
                    nothing_younger_than_its_retention_is_ever_deleted
                    values_of_a_source_are_counted_by_when_they_were_issued
                    a_count_of_values_ends_where_it_was_told
                }
                kept_history {
                    what_is_kept_for_ever_is_not_swept
                    runs_go_when_they_are_older_to_the_microsecond
                    a_success_that_health_needs_stays
                    a_run_whose_values_are_stored_stays
                    a_failure_that_was_replaced_goes_with_the_run_in_its_place
                    revisions_go_when_others_took_their_place_long_ago
                    a_sweep_goes_on_in_small_steps_through_all_jobs
                    nothing_is_missed_but_what_is_not_to_be_kept
                }
            }
        }
    };
    (@expand (publish) $($subject:ident { $($module:ident { $($case:ident)* })* })*) => {
        $(
            $(
                pub mod $module {
                    $(
                        pub fn $case(stores: &$crate::Stores) {
                            super::super::$subject::$module::$case(stores);
                        }
                    )*
                }
            )*
        )*
    };
    (@expand (test) $($subject:ident { $($module:ident { $($case:ident)* })* })*) => {
        $(
            $(
                mod $module {
                    $(
                        #[test]
                        fn $case() {
                            $crate::contract::cases::$module::$case(&super::empty_stores_of_the_suite());
                        }
                    )*
                }
            )*
        )*
    };
    (@expand ($part:ident) $($subject:ident { $($module:ident $cases:tt)* })*) => {
        $( $( $crate::contract_suite! { @pick $part $subject $module $cases } )* )*
    };
    (@pick sources catalog sources $cases:tt) => {
        $crate::contract_suite! { @expand (test) catalog { sources $cases } }
    };
    (@pick leases store leases $cases:tt) => {
        $crate::contract_suite! { @expand (test) store { leases $cases } }
    };
    (@pick statistics store statistics $cases:tt) => {
        $crate::contract_suite! { @expand (test) store { statistics $cases } }
    };
    (@pick results results $module:ident $cases:tt) => {
        $crate::contract_suite! { @expand (test) results { $module $cases } }
    };
    (@pick results jobs monitoring $cases:tt) => {
        $crate::contract_suite! { @expand (test) jobs { monitoring $cases } }
    };
    (@pick results jobs judgements $cases:tt) => {
        $crate::contract_suite! { @expand (test) jobs { judgements $cases } }
    };
    (@pick $part:ident $subject:ident $module:ident $cases:tt) => {};
    (@known results) => {};
    (@known sources) => {};
    (@known leases) => {};
    (@known statistics) => {};
    ($part:ident: $make_stores:expr) => {
        $crate::contract_suite! { @known $part }
        fn empty_stores_of_the_suite() -> $crate::Stores {
            ($make_stores)()
        }
        $crate::contract_suite! { @list ($part) }
    };
    ($make_stores:expr) => {
        /// Stands beside the modules of the suite, where the argument means what it does to the caller.
        fn empty_stores_of_the_suite() -> $crate::Stores {
            ($make_stores)()
        }
        $crate::contract_suite! { @list (test) }
    };
}
