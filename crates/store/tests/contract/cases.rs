//! The cases by their subjects.

/// Runs each case on a fresh store, which a function of the crate's root makes.
macro_rules! cases {
    ($module_of_cases:ident: $fresh:ident: $($module:ident { $($case:ident),* $(,)? })*) => {
        mod $module_of_cases {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::$fresh().await).await;
                }
            )*)*
        }
    };
}

/// The cases of the subjects that both databases keep.
macro_rules! shared_cases {
    ($fresh:ident) => {
        cases! { shared: $fresh:
            activity {
                entries_are_found_by_who_what_and_when,
                writers_at_the_same_time_have_a_place_each,
            }
            agents {
                a_new_agent_is_at_revision_one,
                every_change_makes_the_next_revision,
                a_write_of_the_same_values_changes_nothing,
                a_stale_write_is_told_the_current_revision,
                of_two_writers_with_the_same_revision_one_wins,
                concurrent_writers_without_a_revision_all_succeed,
                other_fields_come_back_untouched,
                a_revision_has_all_fields_as_they_were,
                a_cleared_field_is_not_set,
                a_dropped_transaction_never_happened,
                what_is_outside_the_scope_is_not_there,
                a_scope_of_some_projects_has_what_is_in_them,
                a_revision_tells_what_the_agent_was,
                changes_come_in_their_order,
                the_generation_changes_with_every_commit_only,
                primitives_are_found_by_their_name,
                any_text_comes_back_as_it_went_in,
            }
            personas {
                a_published_persona_is_current_at_once,
                a_draft_changes_neither_published_nor_current,
                deploying_a_draft_publishes_it,
                a_roll_back_leaves_the_latest_published,
                a_roll_back_is_told_with_its_time_as_long_as_it_lasts,
                deploying_the_current_version_changes_nothing,
                publishing_the_rolled_back_text_brings_it_back,
                an_unknown_version_is_not_deployed,
                versions_are_listed_newest_first_in_pages,
                a_clock_that_is_set_back_does_not_reorder_versions,
                a_difference_outside_the_canonical_form_is_kept,
                a_draft_that_is_newer_than_what_is_published_is_found,
                texts_of_several_agents_are_read_at_once,
            }
            drafts {
                a_draft_is_its_authors_and_names_what_it_replaces,
                drafts_are_listed_where_the_agent_is_seen,
                who_has_a_form_open_is_forgotten,
            }
            proposals {
                a_proposal_is_reviewed_and_waits_until_it_is_published,
                a_proposal_that_something_newer_replaced_waits_no_more,
                a_rule_is_of_a_project_or_of_agents_in_none,
            }
            retention_rules {
                a_rule_of_retention_is_set_by_who_knows_the_one_before,
                the_database_says_how_it_is,
            }
            webhooks {
                what_happens_is_written_down_for_who_wants_to_know,
                what_one_took_is_another_ones_when_its_time_is_over,
                nothing_waits_for_an_address_that_is_gone,
                at_most_two_of_a_webhook_are_taken_at_a_time,
                what_is_under_way_counts_among_them,
                the_newest_thousand_of_a_webhook_are_kept_whether_they_wait_or_not,
                deliveries_go_with_their_webhook,
            }
            drift_reports {
                a_report_is_compared_with_what_is_published_now,
                reports_are_seen_by_who_sees_the_agent,
            }
            answers {
                the_same_request_gets_the_same_answer,
                another_request_with_the_same_key_is_a_mistake,
                an_answer_is_forgotten_with_its_transaction,
                an_answer_is_kept_for_a_day,
            }
            keys {
                a_key_is_found_by_its_text_only,
                the_use_of_a_key_is_noted_now_and_then,
                a_revoked_key_stays_in_the_list,
                a_name_is_one_line,
                the_default_organization_is_made_once,
                a_project_has_a_name_of_its_own,
            }
            sign_in {
                a_link_makes_an_account_once,
                a_link_for_a_new_password_ends_the_sessions_of_its_account,
                a_link_ends_by_itself_or_is_revoked,
                a_link_gives_exactly_what_it_says,
                an_identity_is_one_persons,
                a_link_for_an_owner_shuts_out_whoever_had_the_account,
                a_link_for_an_owner_makes_one_of_whoever_has_proved_who_they_are,
                a_session_ends,
                the_use_of_a_session_is_noted_now_and_then,
            }
            people {
                an_address_belongs_to_one_account,
                the_last_owner_stays_one,
                whoever_is_an_owner_no_more_has_no_open_links,
                whoever_is_removed_is_out_and_their_address_is_free,
                somebody_has_roles_in_projects,
                failures_are_counted_for_a_day,
            }
            test_data {
                a_file_becomes_a_published_bundle,
                the_same_file_is_the_same_bundle,
                a_reworded_input_stays_the_same_one,
                a_persona_of_another_scenario_is_not_overwritten_unseen,
                a_published_bundle_never_changes,
                a_draft_is_published_once,
                test_data_outside_the_scope_is_not_there,
                a_file_without_meaning_changes_nothing,
                many_inputs_are_read_in_pages,
                any_text_of_an_input_comes_back,
                a_scenario_has_a_name_of_its_own,
                a_scenario_has_one_gate_or_none,
            }
            criteria {
                criteria_are_edited_in_a_draft_and_published_with_it,
                an_import_neither_loses_nor_publishes_edited_criteria,
                a_persona_for_tests_is_changed_as_it_was_seen,
                a_deleted_persona_is_kept_by_what_names_it,
            }
            input_drafts {
                what_is_deleted_is_hidden_and_comes_back,
                a_project_tests_an_agent,
                a_draft_changes_nothing_before_it_is_published,
                an_edit_of_something_else_than_was_seen_changes_nothing,
                an_edit_that_is_published_by_an_import_is_none,
                a_draft_pins_the_personas_that_its_inputs_name,
                inputs_are_found_and_read_in_pages,
                a_deleted_persona_stays_where_it_is_and_comes_nowhere_else,
                a_draft_of_many_inputs_is_what_a_file_of_them_is,
                whatever_is_done_to_a_draft_it_is_what_a_list_would_be,
                a_pull_is_noted_for_each_who_pulls,
                a_sheet_is_kept_for_who_brought_it_and_for_a_day,
                many_inputs_are_put_where_they_are_what_was_seen,
            }
        }
    };
}

/// The cases of the subjects that only SQLite keeps yet. Who makes PostgreSQL keep a subject moves its cases up.
#[allow(unused_macros, reason = "PostgreSQL keeps none of what these are about yet")]
macro_rules! sqlite_cases {
    ($fresh:ident) => {
        cases! { sqlite_only: $fresh:
            activity {
                a_log_that_was_changed_does_not_fit,
            }
            backup {
                a_backup_is_restored_with_every_row_and_every_byte,
                only_its_owner_may_read_what_is_restored,
                files_stay_while_they_are_copied,
                what_is_cut_or_changed_is_not_restored,
                a_hostile_archive_writes_nothing_anywhere_else,
                what_is_broken_is_found_and_named,
                what_is_hidden_is_no_damage,
            }
            input_drafts {
                a_scenario_has_no_more_inputs_than_it_may_also_where_they_are_put,
                any_text_is_found_in_a_set_that_was_made_before_words_were_kept,
            }
            retention {
                what_is_old_goes_unless_it_is_still_of_use,
                what_is_uploaded_again_after_it_was_deleted_is_as_new_as_that,
                files_are_counted_once_and_again_where_one_comes,
            }
            live {
                a_test_is_told_of_while_it_goes_on_and_its_upload_has_the_last_word,
                a_report_that_meets_the_upload_makes_no_second_experiment,
                a_test_that_falls_silent_is_abandoned_and_can_go_on,
                what_somebody_deleted_is_not_told_of_and_its_upload_restores_it,
                an_upload_leaves_nothing_of_what_was_reported,
                a_number_of_cases_that_nobody_believes_breaks_no_sum,
            }
            results {
                a_commit_is_there_as_a_whole,
                an_input_has_a_history_and_runs_are_known,
                the_input_of_a_run_is_what_its_item_says,
                f36_the_same_commit_again_is_the_same_batch,
                a_commit_without_meaning_changes_nothing,
                results_are_of_the_version_that_they_name,
                results_outside_the_scope_are_not_there,
                f10_a_run_that_is_not_reported_failed,
                f11_other_ids_replace_the_announced_ones,
                f13_a_report_that_comes_again_is_stored_once,
                f36_a_batch_without_a_name_is_known_by_its_runs,
                f27_two_tests_with_the_same_name_are_two_batches,
                f24_what_nobody_speaks_of_any_more_is_abandoned,
                a_turn_is_there_once_and_tells_all_that_is_known,
                a_turn_that_comes_before_its_run_waits_in_each_project_of_who_sent_it,
                a_file_is_attached_once,
                runs_are_read_in_pages_and_filtered,
            }
            experiments {
                experiments_are_found_by_what_they_are,
                what_people_add_stays_beside_what_was_uploaded,
                a_deleted_experiment_is_not_there_and_can_be_restored_for_a_day,
                what_is_uploaded_again_is_restored,
                an_experiment_is_counted_when_it_has_ended_and_again_when_something_comes,
                what_people_say_is_kept_by_person_and_criterion,
                a_link_shows_one_experiment_until_it_ends,
                a_gate_is_copied_when_an_experiment_ends,
                a_failed_gate_waits_until_it_passes_or_is_seen,
            }
            commits {
                nothing_of_a_batch_is_seen_before_all_of_it,
                a_commit_that_dies_between_any_two_transactions_goes_on,
                two_that_commit_the_same_make_one_batch,
                two_commits_with_the_same_runs_both_end,
                what_a_peer_says_comes_before_what_is_hidden,
                a_turn_of_a_hidden_run_is_not_lost,
                a_commit_that_nobody_finishes_is_collected_after_a_week,
                runs_that_are_there_already_do_not_wait_for_the_last_transaction,
                files_that_are_there_already_do_not_wait_for_the_last_transaction,
                what_does_not_wait_would_change_nothing,
            }
            artifacts {
                what_is_uploaded_comes_back_byte_for_byte,
                the_same_offer_is_the_same_upload,
                an_offer_that_dies_between_any_two_transactions_goes_on,
                a_body_that_is_not_what_it_says_leaves_nothing_behind,
                another_project_can_neither_see_nor_use_a_part,
                parts_may_come_twice_in_any_order_and_at_once,
                equal_content_is_stored_once,
                f13_a_signed_address_takes_one_content_once,
                a_body_that_breaks_its_promise_is_not_stored,
                what_nobody_finishes_is_collected_after_a_week,
                what_was_put_and_never_attached_is_collected_after_a_week,
                what_is_collected_while_others_put_it_again_is_whole,
                what_a_crash_left_behind_is_collected,
                a_place_that_fails_stores_nothing,
                any_range_of_any_content_comes_back,
            }
            results_model {
                f36_whatever_is_sent_in_whatever_order_is_one_batch,
            }
        }
    };
}
