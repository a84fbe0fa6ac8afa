//! The kinds of file that a record may hold, and how each is told by its content.
//!
//! This is the whole allow-list. What is not in it is refused: programs, archives (and with them office files, which are
//! archives that may hold macros), HTML and SVG (which run scripts where they are shown), and everything unknown.
//!
//! A file is told by what it begins with, at offset 0 and nowhere else. So a file that begins as a picture and goes on as
//! something else passes as a picture: what is not text never leaves, so nobody opens it as the other thing.

use super::codes::MediaType;

impl MediaType {
    /// Tells whether files of this type are text, and so redacted; all others are sealed as they came.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Plain | Self::Csv | Self::Markdown | Self::Json)
    }

    /// Tells whether `data` is what this type says.
    pub fn fits(self, data: &[u8]) -> bool {
        if self.is_text() { is_text(data) } else { sniffed(data) == Some(self) }
    }
}

/// A type, and what its files begin with: bytes that are compared, each with its place.
type Signature = (MediaType, &'static [(usize, &'static [u8])]);

/// The signatures, by the [MIME Sniffing Standard](https://mimesniff.spec.whatwg.org/), sections 6.1 and 6.2.
const SIGNATURES: &[Signature] = &[
    (MediaType::Pdf, &[(0, b"%PDF-")]),
    (MediaType::Png, &[(0, b"\x89PNG\r\n\x1a\n")]),
    (MediaType::Jpeg, &[(0, b"\xff\xd8\xff")]),
    (MediaType::Gif, &[(0, b"GIF87a")]),
    (MediaType::Gif, &[(0, b"GIF89a")]),
    (MediaType::Webp, &[(0, b"RIFF"), (8, b"WEBPVP")]),
    (MediaType::Wav, &[(0, b"RIFF"), (8, b"WAVE")]),
    (MediaType::Ogg, &[(0, b"OggS\0")]),
    (MediaType::Mpeg, &[(0, b"ID3")]),
];

/// What a page or a script begins with, after white space, in lower case: these are no text files to us.
const ACTIVE: &[&str] = &["<!doctype", "<html", "<head", "<body", "<script", "<iframe", "<svg", "<?xml", "#!"];

fn sniffed(data: &[u8]) -> Option<MediaType> {
    let fits = |parts: &[(usize, &[u8])]| {
        parts.iter().all(|(at, bytes)| data.get(*at..).is_some_and(|rest| rest.starts_with(bytes)))
    };
    let known = SIGNATURES.iter().find(|(_, parts)| fits(parts)).map(|(media_type, _)| *media_type);
    known.or_else(|| is_mpeg_frame(data).then_some(MediaType::Mpeg))
}

/// Tells whether the data begins with the header of an MPEG audio frame of layer III (ISO/IEC 11172-3, 2.4.1.3): MP3
/// without a tag in front.
fn is_mpeg_frame(data: &[u8]) -> bool {
    let &[0xff, version, rates, ..] = data else { return false };
    let (version, layer) = (version >> 3, version >> 1 & 0b11);
    let (bit_rate, sample_rate) = (rates >> 4, rates >> 2 & 0b11);
    version >> 2 == 0b111
        && version & 0b11 != 0b01
        && layer == 0b01
        && (1..15).contains(&bit_rate)
        && sample_rate != 0b11
}

/// Tells whether the data is UTF-8, holds no byte that only binary files hold (MIME Sniffing, section 3), and begins
/// neither as another type of the list nor as a page or a script.
fn is_text(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let binary = |byte: u8| matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    if data.iter().copied().any(binary) || sniffed(data).is_some() {
        return false;
    }
    let start = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace()).as_bytes();
    let active = |form: &&str| start.get(..form.len()).is_some_and(|head| head.eq_ignore_ascii_case(form.as_bytes()));
    !ACTIVE.iter().any(active)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least of each type.
    const GOOD: &[(MediaType, &[u8])] = &[
        (MediaType::Plain, "Grüße\r\n\t\u{1b}[0m".as_bytes()),
        (MediaType::Csv, b"a,b\n1,2\n"),
        (MediaType::Markdown, b"# Title\n\n<p align=\"center\">x</p>"),
        (MediaType::Json, b"{\"a\": 1}"),
        (MediaType::Pdf, b"%PDF-1.7\n"),
        (MediaType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        (MediaType::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF"),
        (MediaType::Gif, b"GIF89a\x01\0"),
        (MediaType::Gif, b"GIF87a\x01\0"),
        (MediaType::Webp, b"RIFF\x10\0\0\0WEBPVP8 "),
        (MediaType::Wav, b"RIFF\x10\0\0\0WAVEfmt "),
        (MediaType::Ogg, b"OggS\0\x02"),
        (MediaType::Mpeg, b"ID3\x04\0"),
        (MediaType::Mpeg, b"\xff\xfb\x90\x64"),
    ];

    #[test]
    fn every_type_is_told_by_its_content_and_no_other_content_passes_for_it() {
        for media_type in MediaType::ALL {
            assert!(GOOD.iter().any(|(good, _)| good == media_type), "{media_type} is not tried");
            for (of, data) in GOOD {
                let same = of == media_type || of.is_text() && media_type.is_text();
                assert_eq!(media_type.fits(data), same, "{media_type} on a {of}");
            }
        }
    }

    #[test]
    fn nothing_that_can_run_or_hold_other_files_is_taken_under_any_name() {
        let refused: &[&[u8]] = &[
            b"\x7fELF\x02\x01\x01\0",
            b"MZ\x90\0\x03\0",
            b"\xcf\xfa\xed\xfe\x07\0\0\x01",
            b"\xca\xfe\xba\xbe\0\0\0\x34",
            b"PK\x03\x04\x14\0\x06\0[Content_Types].xml",
            b"\x1f\x8b\x08\0",
            b"7z\xbc\xaf\x27\x1c",
            b"Rar!\x1a\x07",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            b"BZh91AY&SY\x01",
            b"\0asm\x01\0\0\0",
            b"<!DOCTYPE html><html>",
            b"\n <HTML>",
            b"\xef\xbb\xbf<script>alert(1)</script>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"<?xml version=\"1.0\"?><svg/>",
            b"#!/bin/sh\nrm",
            b"RIFF\x10\0\0\0AVI LIST",
            b"\xff\xfeh\0i\0",
            b"text and \0",
            b"\xff\xff\xff\xff",
        ];
        for data in refused {
            let taken = MediaType::ALL.iter().find(|media_type| media_type.fits(data));
            assert_eq!(taken, None, "{:?}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn a_signature_counts_at_its_own_place_only() {
        for (of, data) in GOOD.iter().filter(|(of, _)| !of.is_text()) {
            let moved = [b"\0".as_slice(), data].concat();
            assert!(!MediaType::ALL.iter().any(|media_type| media_type.fits(&moved)), "{of}");
            assert!(!of.fits(&data[..2]), "{of} is told by two bytes");
        }
    }
}
