//! Follows the frames that a client sends, as far as is needed to know whether it owes the rest of something short.
//!
//! HTTP/2 libraries wait for the rest of a block of headers as long as the connection lives. A client that sends half of one
//! and then a byte now and then keeps its connection, and what was read so far, for nothing.

/// The length of the client's preface, RFC 9113 section 3.4.
const PREFACE: usize = 24;
/// The length of a frame's header, RFC 9113 section 4.1.
const FRAME_HEADER: usize = 9;
/// Frame types of RFC 9113 section 6, and the flag that ends a block of headers.
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// What a client has sent so far, without the content.
#[derive(Debug)]
pub(super) struct HeaderWatch {
    preface_left: usize,
    /// The SETTINGS frame that follows the preface has not come yet.
    settings_due: bool,
    /// The part of a frame's header that has come.
    header: [u8; FRAME_HEADER],
    header_len: usize,
    /// Bytes of the present frame's payload that have not come yet, and whether it is a frame that must come quickly.
    payload_left: usize,
    hurried: bool,
    /// A block of headers is to be continued.
    in_block: bool,
    /// How many frames have begun; the frames of one block of headers count as one.
    begun: u64,
}

impl HeaderWatch {
    pub(super) fn new() -> Self {
        Self {
            preface_left: PREFACE,
            settings_due: true,
            header: [0; FRAME_HEADER],
            header_len: 0,
            payload_left: 0,
            hurried: false,
            in_block: false,
            begun: 0,
        }
    }

    /// Tells whether the client has begun something that it has to finish soon: the preface and its SETTINGS, the header of
    /// a frame, or a block of headers. While it is the same thing the number stays the same.
    pub(super) fn owes(&self) -> Option<u64> {
        let in_frame = self.payload_left > 0 && self.hurried;
        let owed = self.preface_left > 0 || self.settings_due || self.header_len > 0 || in_frame || self.in_block;
        owed.then_some(self.begun)
    }

    /// Takes note of what has come.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        skip(&mut bytes, &mut self.preface_left);
        while !bytes.is_empty() {
            skip(&mut bytes, &mut self.payload_left);
            let wanted = (FRAME_HEADER - self.header_len).min(bytes.len());
            let (taken, rest) = bytes.split_at(wanted);
            self.header[self.header_len..self.header_len + wanted].copy_from_slice(taken);
            self.header_len += wanted;
            bytes = rest;
            if self.header_len == FRAME_HEADER {
                self.begin_frame();
            }
        }
    }

    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.header;
        self.header_len = 0;
        self.payload_left = u32::from_be_bytes([0, a, b, c]) as usize;
        let of_a_block = matches!(kind, HEADERS | CONTINUATION);
        self.begun += u64::from(!self.in_block);
        if of_a_block {
            self.in_block = flags & END_HEADERS == 0;
        }
        self.hurried = of_a_block || kind == SETTINGS;
        self.settings_due = false;
    }
}

/// Passes over what is left of something, as far as it has come.
fn skip(bytes: &mut &[u8], left: &mut usize) {
    let skipped = (*left).min(bytes.len());
    *left -= skipped;
    *bytes = &bytes[skipped..];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let [_, a, b, c] = u32::try_from(payload).unwrap().to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, 1][..], &vec![0; payload]].concat()
    }

    fn begun() -> HeaderWatch {
        let mut watch = HeaderWatch::new();
        watch.advance(&[0; PREFACE]);
        watch.advance(&frame(SETTINGS, 0, 18));
        assert_eq!(watch.owes(), None);
        watch
    }

    #[test]
    fn the_preface_and_its_settings_are_owed() {
        let mut watch = HeaderWatch::new();
        assert!(watch.owes().is_some());
        watch.advance(&[0; PREFACE]);
        assert!(watch.owes().is_some());
        let settings = frame(SETTINGS, 0, 6);
        watch.advance(&settings[..14]);
        assert!(watch.owes().is_some());
        watch.advance(&settings[14..]);
        assert_eq!(watch.owes(), None);
    }

    #[test]
    fn a_block_is_owed_to_the_end_of_its_last_frame() {
        let mut watch = begun();
        watch.advance(&frame(HEADERS, 0, 10));
        assert!(watch.owes().is_some(), "to be continued");
        let last = frame(CONTINUATION, END_HEADERS, 10);
        watch.advance(&last[..3]);
        assert!(watch.owes().is_some(), "in the header of a frame");
        watch.advance(&last[3..18]);
        assert!(watch.owes().is_some(), "in the last frame");
        watch.advance(&last[18..]);
        assert_eq!(watch.owes(), None);
    }

    #[test]
    fn a_block_is_one_thing_and_the_next_frame_another() {
        let mut watch = begun();
        watch.advance(&frame(HEADERS, 0, 10));
        let block = watch.owes();
        for _ in 0..3 {
            watch.advance(&frame(CONTINUATION, 0, 1));
            assert_eq!(watch.owes(), block);
        }
        watch.advance(&frame(CONTINUATION, END_HEADERS, 1));
        watch.advance(&frame(HEADERS, 0, 1));
        assert!(watch.owes().is_some() && watch.owes() != block);
    }

    #[test]
    fn content_may_come_slowly() {
        let mut watch = begun();
        let data = frame(0, 0, 10_000);
        watch.advance(&data[..9]);
        assert_eq!(watch.owes(), None);
        watch.advance(&data[9..5_000]);
        assert_eq!(watch.owes(), None);
        watch.advance(&[&data[5_000..], &frame(HEADERS, END_HEADERS | 1, 3)[..]].concat());
        assert_eq!(watch.owes(), None);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            frames in prop::collection::vec((0_u8..12, any::<u8>(), 0_usize..300), 0..12),
            cuts in prop::collection::vec(1_usize..40, 1..40),
        ) {
            let mut bytes = vec![0; PREFACE];
            frames.iter().for_each(|(kind, flags, payload)| bytes.extend(frame(*kind, *flags, *payload)));
            let (mut whole, mut cut) = (HeaderWatch::new(), HeaderWatch::new());
            whole.advance(&bytes);
            let mut rest = &bytes[..];
            for length in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*length).min(rest.len()));
                cut.advance(now);
                rest = later;
                if rest.is_empty() { break }
            }
            prop_assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
        }
    }
}
