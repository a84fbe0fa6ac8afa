//! What every storage engine must do, written against the traits only; and what SQLite must do besides.
//!
//! A new engine adds a [`Factory`] and one `conforms!` line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod data;
mod data_audit;
mod data_list;
mod fixtures;
mod keys;
mod keys_access;
mod pipeline;
mod replaced;
mod sqlite;

use std::thread::JoinHandle;

use subrosa::store::{DataReader, DataStore, DataWriter, KeyStore, ReaderPool};

/// Makes an empty vault's stores, and opens them as often as a test wants, once at a time.
pub(crate) trait Factory {
    /// Makes both stores.
    fn create() -> Self;
    /// Opens the two halves of the data store.
    fn data_parts(&self) -> (Box<dyn DataWriter>, ReaderPool<dyn DataReader>);
    /// Opens the key store and starts it.
    fn keys(&self) -> (KeyStore, JoinHandle<()>);
    /// Opens the data store and starts it.
    fn data(&self) -> (DataStore, JoinHandle<()>) {
        let (writer, readers) = self.data_parts();
        let committer = subrosa::store::Committer::new(writer).unwrap();
        let (pipeline, thread) = subrosa::store::Pipeline::start("data-writer", committer).unwrap();
        (DataStore::new(pipeline, readers), thread)
    }
}

/// Runs one test body on a fresh store.
pub(crate) fn run<F: Factory, T: Future<Output = ()>>(body: impl FnOnce(F) -> T) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(body(F::create()));
}

macro_rules! conforms {
    ($engine:ident, $factory:ty, { $($module:ident: $($test:ident)+;)+ }) => {
        mod $engine {
            $(mod $module { $(
                #[test]
                fn $test() {
                    crate::run::<$factory, _>(crate::$module::$test);
                }
            )+ })+
        }
    };
}

conforms!(on_sqlite, crate::sqlite::Sqlite, {
    data:
        a_conversation_grows_in_order
        a_read_of_records_stops_at_a_bounded_number_of_bytes
        an_append_is_refused_where_it_must_be
        an_update_replaces_labels_and_metadata
        what_redaction_remembers_is_replaced_and_dies_with_the_rest
        an_expiry_removes_bodies_and_then_the_rest
        records_are_sealed_anew_in_their_places
        a_request_is_remembered_once
        a_stream_moves_forward_only
        old_requests_and_streams_are_forgotten
        forgetting_takes_bounded_steps_past_rows_of_a_later_time
        tenants_and_policies
        key_acts_and_reads_are_open_until_they_end;
    data_audit:
        a_refused_work_leaves_no_trace_between_two_good_ones
        a_misfiled_entry_is_refused
        the_stored_heads_are_those_of_the_entries_after_reopening
        many_submitters_lose_and_double_nothing
        a_reader_sees_what_is_committed_only
        the_newest_checkpoint_is_kept
        a_read_of_entries_stops_at_a_bounded_number_of_bytes;
    data_list:
        the_newest_come_first_page_by_page
        every_condition_must_hold
        a_rare_match_is_found_behind_many_others
        a_call_looks_at_a_bounded_number_and_says_where_it_stopped
        expired_ones_and_other_tenants_are_left_out;
    keys:
        buckets_are_unique_while_they_live
        segments_need_a_live_bucket
        a_destroyed_bucket_is_swept
        a_rotation_takes_exactly_what_is_there
        due_buckets_come_oldest_first
        a_refused_key_work_leaves_no_trace;
    keys_access:
        a_reference_stands_for_one_conversation
        two_live_keys_and_one_pseudonym
        roles_come_by_key_and_by_certificate
        the_rest_reads_back;
});
