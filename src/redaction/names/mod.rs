//! The names tier: names of people, addresses and places, by a tagger of our own and, where that is in doubt, a small neural network,
//! both in this process.
//!
//! | for this task | look in |
//! |---|---|
//! | decide what is sure, and keep nearly all texts from the network | [`tagger`] |
//! | cut text into the pieces that the network knows | `wordpiece` |
//! | run the network | `network`, on the 8-bit layers of `linear`, out of the file that `onnx` reads |
//! | make spans of its probabilities | `decode` |
//! | find names again in later turns of a conversation | `carry` |
//!
//! The model is Rampart 1.4.0 (see `NOTICE`), fetched by `models/fetch` and pinned here by hash: a file with one other byte is refused.

mod carry;
mod decode;
mod linear;
mod network;
mod onnx;
mod plausible;
pub mod tagger;
mod wordpiece;
pub(super) mod words;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring::digest::{SHA256, digest};

pub use carry::Carried;
pub(crate) use decode::NameSpan;

use network::{LABELS, Network};
use tagger::{Gate as _, Label, Span, Tagger};
use wordpiece::{Piece, WordPiece};

use super::Class;
use super::explain::Stage;
use super::floor_boundary;
use super::recognizers::{Hit, THRESHOLD};

/// Why the names model could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The bytes are not the ones this build was made for.
    #[error("the {0} is not the file that this build expects: fetch it again")]
    Hash(&'static str),
    /// The bytes cannot be used.
    #[error("the model cannot be used: {0}")]
    Format(&'static str),
    /// The threads that run it could not be started.
    #[error("the threads of the names model did not start")]
    Threads,
}

/// The model, loaded. One serves all engines of a process.
pub struct Names {
    network: Network,
    pieces: WordPiece,
    tagger: Tagger,
    /// One thread each: the kernels spread over the pool they run in, and a message is too short to share out.
    threads: Vec<rayon::ThreadPool>,
    next: AtomicUsize,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Names {
    /// The file name of the model.
    pub const MODEL: &'static str = "model_q4.onnx";
    /// The file name of its vocabulary.
    pub const VOCABULARY: &'static str = "vocab.txt";

    /// Loads the model from the bytes of its two files, to run on `threads` threads of its own (at least one).
    ///
    /// # Errors
    /// [`ModelError::Hash`] when they are other bytes than the pinned ones; the rest cannot be for the right ones.
    pub fn load(model: &[u8], vocabulary: &[u8], threads: usize) -> Result<Names, ModelError> {
        check(model, MODEL_SHA256, "model")?;
        check(vocabulary, VOCABULARY_SHA256, "vocabulary")?;
        let vocabulary =
            std::str::from_utf8(vocabulary).map_err(|_| ModelError::Format("the vocabulary is no text"))?;
        let thread = |_| rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "names".to_owned()).build();
        Ok(Names {
            network: Network::load(model)?,
            pieces: WordPiece::new(vocabulary)?,
            tagger: Tagger::new().map_err(|_| ModelError::Format("the tagger's weights are damaged"))?,
            threads: (0..threads.max(1)).map(thread).collect::<Result<_, _>>().map_err(|_| ModelError::Threads)?,
            next: AtomicUsize::new(0),
        })
    }

    /// Finds names, addresses and places in `text`: what the network finds where the tagger asks it, and beside that what the tagger found.
    pub(super) fn find(&self, text: &str) -> Vec<NameSpan> {
        let verdict = self.tagger.judge(text);
        let mut found = Vec::new();
        if verdict.ask {
            let thread = &self.threads[self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len()];
            found = thread.install(|| self.ask_about(text, &verdict.doubts));
        }
        let network = found.len();
        for span in verdict.spans.iter().filter_map(NameSpan::of_tagger) {
            let known = &found[..network];
            let next = known.partition_point(|known| known.span.end <= span.span.start);
            if known.get(next).is_none_or(|known| known.span.start >= span.span.end) {
                found.push(span);
            }
        }
        plausible::sift(text, &mut found);
        for name in found.iter_mut().filter(|name| name.class == Class::Person) {
            name.span = handle(text, &name.span);
        }
        found
    }

    /// Asks the network about what stands around `doubts`, stretch by stretch, so that a long text takes no more of it than it must.
    /// A name that two stretches share is of the one in whose half it starts.
    fn ask_about(&self, text: &str, doubts: &[Range<usize>]) -> Vec<NameSpan> {
        let stretches: Vec<Range<usize>> = doubts.iter().map(|doubt| stretch(text, doubt)).collect();
        let mut found = Vec::new();
        for (at, stretch) in stretches.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| stretches.get(at)).filter(|before| before.end > stretch.start);
            let from = before.map_or(0, |before| usize::midpoint(stretch.start, before.end));
            let next = stretches.get(at + 1).filter(|next| next.start < stretch.end);
            let to = next.map_or(text.len(), |next| usize::midpoint(next.start, stretch.end));
            for mut name in self.ask(&[&text[stretch.clone()]]).pop().unwrap_or_default() {
                name.span = name.span.start + stretch.start..name.span.end + stretch.start;
                if (from..to).contains(&name.span.start) {
                    found.push(name);
                }
            }
        }
        found
    }

    /// Returns whether the network would be asked about `text`.
    #[doc(hidden)]
    pub fn asks(&self, text: &str) -> bool {
        self.tagger.judge(text).ask
    }

    /// Asks the network about each of `texts`.
    #[doc(hidden)]
    pub(super) fn ask(&self, texts: &[&str]) -> Vec<Vec<NameSpan>> {
        let pieces: Vec<Vec<Piece>> = texts.iter().map(|text| self.pieces.cut(text)).collect();
        let mut rows: Vec<Vec<f32>> = pieces.iter().map(|pieces| Vec::with_capacity(pieces.len() * LABELS)).collect();
        let windows =
            pieces.iter().enumerate().flat_map(|(at, pieces)| windows(pieces).map(move |window| (at, window)));
        let mut batch = Vec::new();
        let mut size = 0;
        for (at, window) in windows {
            size += window.len() + 2;
            batch.push((at, window));
            if size >= BATCH {
                self.run(&pieces, &batch, &mut rows);
                batch.clear();
                size = 0;
            }
        }
        self.run(&pieces, &batch, &mut rows);
        let texts = texts.iter().zip(&pieces).zip(&rows);
        texts.map(|((text, pieces), rows)| decode::spans(text, pieces, rows)).collect()
    }

    /// Runs windows together and appends the probabilities of their pieces. Where windows overlap, the first gives those of the first half
    /// and the second the rest, so that every piece is seen with something on both sides.
    fn run(&self, pieces: &[Vec<Piece>], batch: &[(usize, Range<usize>)], rows: &mut [Vec<f32>]) {
        let marked = |(at, window): &(usize, Range<usize>)| {
            let ids = pieces[*at][window.clone()].iter().map(|piece| piece.id);
            std::iter::once(wordpiece::START).chain(ids).chain([wordpiece::END]).collect()
        };
        let texts: Vec<Vec<u32>> = batch.iter().map(marked).collect();
        // Windows are shorter than the network's limit and ids come from its own vocabulary: it does not refuse them. If it did, every word
        // would count as a name, for nothing must pass unseen.
        let length = texts.iter().map(|text| text.len() * LABELS).sum();
        let all = self.network.run(&texts).unwrap_or_else(|_| vec![1.0; length]);
        let mut start = 0;
        for (at, window) in batch {
            let own = &all[(start + 1) * LABELS..(start + 1 + window.len()) * LABELS];
            let rows = &mut rows[*at];
            let overlap = (rows.len() / LABELS).saturating_sub(window.start);
            rows.truncate((window.start + overlap / 2) * LABELS);
            rows.extend_from_slice(&own[overlap / 2 * LABELS..]);
            start += window.len() + 2;
        }
    }
}

/// Returns what is asked about where `doubt` is: with what stands around it, in whole words where these are not too long.
fn stretch(text: &str, doubt: &Range<usize>) -> Range<usize> {
    let from = floor_boundary(text, doubt.start.saturating_sub(AROUND));
    let to = floor_boundary(text, doubt.end + AROUND).max(doubt.end);
    let start = text[from..doubt.start].find(char::is_whitespace).filter(|_| from > 0).map_or(from, |gap| from + gap);
    let end = text[doubt.end..to].rfind(char::is_whitespace).filter(|_| to < text.len());
    start..end.map_or(to, |gap| doubt.end + gap)
}

/// The most bytes of a handle on either side of a name.
const MAX_HANDLE: usize = 64;

/// Widens a name that is a part of a handle, as in `sunny_leo_07`, to the whole of it.
fn handle(text: &str, name: &Range<usize>) -> Range<usize> {
    let joined = |byte: &u8| *byte == b'_' || byte.is_ascii_digit();
    let within = |byte: &&u8| **byte == b'_' || byte.is_ascii_alphanumeric();
    let (before, after) = (&text.as_bytes()[..name.start], &text.as_bytes()[name.end..]);
    let start = before
        .last()
        .filter(|byte| joined(byte))
        .map_or(0, |_| before.iter().rev().take(MAX_HANDLE).take_while(within).count());
    let end = after
        .first()
        .filter(|byte| joined(byte))
        .map_or(0, |_| after.iter().take(MAX_HANDLE).take_while(within).count());
    name.start - start..name.end + end
}

/// Cuts pieces into windows that overlap; a window starts with a word unless that word is longer than the overlap.
fn windows(pieces: &[Piece]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = Some(0).filter(|_| !pieces.is_empty());
    std::iter::from_fn(move || {
        let start = next?;
        let end = pieces.len().min(start + WINDOW);
        let back = (start + 1..=end - OVERLAP.min(end - start)).rev().find(|&at| !pieces[at].continues);
        next = (end < pieces.len()).then(|| back.unwrap_or(end));
        Some(start..end)
    })
}

impl NameSpan {
    /// Takes over what the tagger found. A country is no place that points at somebody.
    fn of_tagger(found: &Span) -> Option<NameSpan> {
        let class = match found.label {
            Label::Person => Class::Person,
            Label::Address => Class::Address,
            Label::Location if !found.country => Class::Location,
            Label::Location | Label::Other => return None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability in percent")]
        let score = ((found.probability * 100.0) as u8).max(THRESHOLD);
        let verdict = "the tagger is sure enough";
        Some(NameSpan { class, span: found.span.clone(), score, rule: "tagger", verdict })
    }
}

impl From<NameSpan> for Hit {
    fn from(found: NameSpan) -> Self {
        let NameSpan { class, span, score, rule, verdict } = found;
        Hit { class, rule, score, span, stage: Stage::Names, verdict, word: None }
    }
}

fn check(bytes: &[u8], expected: &str, what: &'static str) -> Result<(), ModelError> {
    let found = digest(&SHA256, bytes);
    let same = found
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .eq(expected.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into_owned()));
    if same { Ok(()) } else { Err(ModelError::Hash(what)) }
}

/// Bytes before and behind a place in doubt that the network reads with it.
const AROUND: usize = 480;
/// Pieces the network sees at once: about 480 characters, for which the model's makers found it best.
const WINDOW: usize = 128;
/// Pieces that two windows share: more than any name or address has.
const OVERLAP: usize = 32;
/// Pieces that run together.
const BATCH: usize = 256;

const MODEL_SHA256: &str = "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5";
const VOCABULARY_SHA256: &str = "0fbe6b50061feabb9be68af471e9aa6df07a4bc428bdca4b0eff1fcd3612dee5";

#[cfg(test)]
pub(in crate::redaction) mod testing {
    use super::Names;

    /// Reads a file of the model from where `models/fetch` puts it: beside the folder of this build.
    pub(crate) fn file(name: &str) -> Vec<u8> {
        let program = std::env::current_exe().unwrap();
        let mut places = program.ancestors().map(|above| above.join("models/rampart-1.4.0").join(name));
        let path = places.find(|path| path.exists()).expect("the names model is not there: run models/fetch");
        std::fs::read(path).unwrap()
    }

    /// Loads the model.
    pub(crate) fn names() -> Names {
        Names::load(&file(Names::MODEL), &file(Names::VOCABULARY), 1).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{file, names};
    use super::*;
    use crate::redaction::Class;

    fn found<'t>(names: &Names, text: &'t str) -> Vec<(Class, &'t str)> {
        names.find(text).into_iter().map(|found| (found.class, &text[found.span])).collect()
    }

    #[test]
    fn people_addresses_and_places_are_found() {
        let names = names();
        for (text, expected) in [
            ("I spoke with Ada Lovelace today.", (Class::Person, "Ada Lovelace")),
            ("could you tell mike about it", (Class::Person, "mike")),
            ("JOHN SMITH CALLED", (Class::Person, "JOHN SMITH")),
            ("hi im sarah connor and i need help", (Class::Person, "sarah connor")),
            ("Ship it to 12 Elm Street, Boston 02134 please", (Class::Address, "12 Elm Street, Boston 02134")),
            ("I grew up in Leeds.", (Class::Location, "Leeds")),
        ] {
            assert!(found(&names, text).contains(&expected), "{text}: {:?}", found(&names, text));
        }
        assert_eq!(found(&names, "Thanks, the order arrived this morning."), []);
    }

    #[test]
    fn texts_together_give_what_each_gives_alone() {
        let names = names();
        let long = format!("{} Then Ada Lovelace came.", "The weather was fine and Monday was quiet. ".repeat(40));
        let texts = ["I met Ada Lovelace.", "ok", "", &long, "She lives in Leeds."];
        let together = names.ask(&texts);
        for (text, spans) in texts.iter().zip(&together) {
            assert_eq!(names.ask(&[text]), std::slice::from_ref(spans), "{text}");
        }
        assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0, 1, 1]);
    }

    #[test]
    fn a_name_at_any_place_of_a_long_text_is_found() {
        let names = names();
        for before in 0..16 {
            let filler = "the parcel came late again and nobody was home. ";
            let text = format!("{}yesterday Ada Lovelace called us. {}", filler.repeat(before), filler.repeat(16));
            assert_eq!(found(&names, &text), [(Class::Person, "Ada Lovelace")], "{before} sentences before it");
        }
    }

    #[test]
    fn windows_cover_every_piece_and_begin_with_a_word() {
        let piece = |at: usize| Piece { id: 5, span: at..at + 1, continues: !at.is_multiple_of(7) };
        for length in [0, 1, WINDOW, WINDOW + 1, 5 * WINDOW] {
            let pieces: Vec<Piece> = (0..length).map(piece).collect();
            let windows: Vec<_> = windows(&pieces).collect();
            assert_eq!(windows.last().map_or(0, |last| last.end), length);
            assert!(windows.windows(2).all(|two| two[1].start < two[0].end && two[1].start > two[0].start));
            assert!(windows.iter().all(|window| window.len() <= WINDOW && !pieces[window.start].continues));
        }
        let word: Vec<Piece> = (0..3 * WINDOW).map(|at| Piece { continues: at > 0, ..piece(at) }).collect();
        assert_eq!(windows(&word).last().map(|last| last.end), Some(3 * WINDOW));
    }

    #[test]
    fn a_word_alone_is_no_name_because_the_tagger_says_so() {
        use crate::redaction::{Engine, Policy};
        let engine = Engine::with_names(Policy::default(), Some(std::sync::Arc::new(names()))).unwrap();
        for word in ["find_slots", "charge_card", "pickup_location", "lookup", "vip"] {
            assert_eq!(engine.scan_word(word), [], "{word}");
        }
        assert!(!engine.scan("this is Ada Lovelace speaking").is_empty());
        assert!(!engine.scan_word("jane@example.org").is_empty());
    }

    #[test]
    fn a_name_in_a_handle_is_widened_to_all_of_it() {
        let of = |text: &str, name: &str| {
            let at = text.find(name).unwrap();
            text[handle(text, &(at..at + name.len()))].to_owned()
        };
        assert_eq!(of("mine is sunny_leo_07 ok", "sunny_leo"), "sunny_leo_07");
        assert_eq!(of("add xx_karl on it", "karl"), "xx_karl");
        assert_eq!(of("Karl, 07 or Karl's", "Karl"), "Karl");
        assert_eq!(of("Jean-Luc Ünal", "Jean"), "Jean");
    }

    #[test]
    fn digits_that_were_asked_for_are_no_place() {
        use crate::redaction::{Dialogue, Engine, Policy, PseudonymKey, Speaker};
        let engine = Engine::with_names(Policy::default(), Some(std::sync::Arc::new(names()))).unwrap();
        let (mut dialogue, key) = (Dialogue::default(), PseudonymKey::from_bytes([7; 32]));
        let mut turn = |speaker, text| engine.redact_turn(&mut dialogue, speaker, text, &key).text.into_owned();
        assert_eq!(
            turn(Speaker::Asker, "What's the long number on your card?"),
            "What's the long number on your card?"
        );
        assert_eq!(turn(Speaker::User, "sure its four five three two"), "sure its <CARD>");
        assert_eq!(turn(Speaker::User, "seven one double five"), "<CARD>");
        turn(Speaker::Asker, "And the three digits on the back?");
        assert_eq!(turn(Speaker::User, "nine oh two"), "<SECRET>");
    }

    #[test]
    fn a_file_with_another_byte_is_refused() {
        let (mut model, vocabulary) = (file(Names::MODEL), file(Names::VOCABULARY));
        assert_eq!(Names::load(&model, &vocabulary[1..], 1).unwrap_err(), ModelError::Hash("vocabulary"));
        model[1_000_000] ^= 1;
        assert_eq!(Names::load(&model, &vocabulary, 1).unwrap_err(), ModelError::Hash("model"));
    }
}
