//! A scan of the process's own memory for keys that sealing left behind.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use crate::sealing::cobblestone::{self, MessageKey};
use crate::sealing::*;

const CONTEXT: &[u8] = b"memory scan";

/// Shows that the scan can see: without the wipe, `ring` leaves the record key on the stack.
#[test]
fn without_the_wipe_the_key_is_found() {
    let (dek, salt) = (Key32::random(), random::bytes());
    let masked = masked_record_key(&dek, salt);
    cobblestone::seal_with_salt(Backend::Ring, &dek, CONTEXT, salt, b"hello").unwrap();
    assert_ne!(count_in_memory(&masked), 0);
}

#[test]
fn no_record_key_is_left_behind() {
    for backend in [Backend::Ring, Backend::RustCrypto] {
        let (dek, salt) = (Key32::random(), random::bytes());
        let masked = masked_record_key(&dek, salt);
        let seal = || cobblestone::seal_with_salt(backend, &dek, CONTEXT, salt, b"hello").unwrap();
        let sealed = with_clean_stack(seal);
        assert_eq!(count_in_memory(&masked), 0, "{backend:?} left the record key behind when sealing");
        with_clean_stack(|| cobblestone::open(backend, &dek, CONTEXT, &sealed).unwrap());
        assert_eq!(count_in_memory(&masked), 0, "{backend:?} left the record key behind when opening");
    }
}

#[test]
fn the_stack_is_wiped_after_a_panic_too() {
    let dek = Key32::random();
    let salt: [u8; 24] = random::bytes();
    let masked = masked_record_key(&dek, salt);
    let panicked = std::panic::catch_unwind(|| {
        with_clean_stack(|| {
            cobblestone::seal_with_salt(Backend::Ring, &dek, CONTEXT, salt, b"hello").unwrap();
            std::panic::resume_unwind(Box::new(()));
        });
    });
    assert!(panicked.is_err());
    assert_eq!(count_in_memory(&masked), 0);
}

/// The record key, inverted so that this copy is not itself found, on the heap.
fn masked_record_key(dek: &Key32, salt: [u8; 24]) -> Vec<u8> {
    let masked: Vec<u8> =
        with_clean_stack(|| MessageKey::derive(dek, &salt, CONTEXT).key().iter().map(|byte| !byte).collect());
    assert_eq!(count_in_memory(&masked), 0);
    masked
}

/// Counts where the inverse of `masked` stands in any writable memory of this process.
fn count_in_memory(masked: &[u8]) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("a Linux /proc");
    let mut memory = File::open("/proc/self/mem").expect("a process may read itself");
    let mut chunk = vec![0; 1 << 20];
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).expect("hexadecimal"));
        let mut at = start;
        while at < end && memory.seek(SeekFrom::Start(at)).is_ok() {
            let want = chunk.len().min((end - at) as usize);
            let Ok(read) = memory.read(&mut chunk[..want]) else { break };
            found += count_inverse(&chunk[..read], masked);
            if read < masked.len() || at + read as u64 == end {
                break;
            }
            at += (read - masked.len() + 1) as u64;
        }
    }
    found
}

/// Counts without ever making a copy of what is looked for, which would be found in its turn.
fn count_inverse(haystack: &[u8], masked: &[u8]) -> usize {
    let starts = memchr::memchr_iter(!masked[0], haystack);
    let windows = starts.filter_map(|start| haystack.get(start..start + masked.len()));
    windows.filter(|window| window.iter().zip(masked).all(|(byte, mask)| *byte == !mask)).count()
}
