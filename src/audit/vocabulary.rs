//! The fixed words of an entry.
//!
//! Every list is in the byte order of its names, which is RFC 8785's order of keys. A new word is a new format version
//! once a release has written logs: an older verifier refuses words it does not know.

/// Declares an enum whose variants are fixed words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every word, in the byte order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands in an entry.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word as it stands in an entry.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Which part of an act an entry tells of.
    Phase {
        /// The whole act: it is in the same transaction as what it did, or it was refused.
        Act = "ACT",
        /// A read stream starts; fixes its scope and last sequence.
        Begin = "BEGIN",
        /// A read stream ended as it should; closes its `BEGIN`.
        End = "END",
        /// Start-up found an `INTENT` or `BEGIN` that nothing closed.
        Interrupted = "INTERRUPTED",
        /// An act over two databases is about to be done.
        Intent = "INTENT",
        /// An act over two databases was done, or was found undone; closes its `INTENT`.
        Outcome = "OUTCOME",
        /// The next records of a read stream are about to leave; or the next ones of a segment are sealed under another key.
        Progress = "PROGRESS",
    }
}

words! {
    /// Whether the act was allowed.
    Decision {
        /// Allowed.
        Allow = "ALLOW",
        /// Refused; the entry has a reason.
        Deny = "DENY",
    }
}

words! {
    /// What is counted in an entry.
    Count {
        /// Failed attempts that this one entry stands for.
        Attempts = "attempts",
        /// Buckets touched: expired, re-wrapped.
        Buckets = "buckets",
        /// Conversations touched.
        Conversations = "conversations",
        /// Findings redacted.
        Findings = "findings",
        /// Keys touched: created, re-wrapped, destroyed.
        Keys = "keys",
        /// What matched a query, shown or not.
        Matched = "matched",
        /// Records appended: **the number of commitments in the leaf**. Only an append that was done has it.
        Records = "records",
        /// What the caller asked for: the size of a refused batch, a page size.
        Requested = "requested",
        /// Records, conversations or entries that leave with this reply.
        Returned = "returned",
        /// Records or rows removed.
        Swept = "swept",
        /// What matched and was held back.
        Withheld = "withheld",
    }
}

words! {
    /// Which policy a version number belongs to.
    PolicyKind {
        /// The access policy.
        Access = "access",
        /// The redaction policy.
        Redaction = "redaction",
        /// The retention policy.
        Retention = "retention",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_byte_order_and_read_back() {
        macro_rules! check {
            ($name:ident) => {
                assert!($name::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str() && a < b), stringify!($name));
                for word in $name::ALL {
                    assert_eq!($name::from_word(word.as_str()), Some(*word));
                }
                assert_eq!($name::from_word("nonsense"), None);
            };
        }
        check!(Count);
        check!(Decision);
        check!(PolicyKind);
    }

    #[test]
    fn phases_read_back() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_word(phase.as_str()), Some(*phase));
        }
        assert_eq!(Phase::from_word("act"), None);
    }
}
