//! What a section is: named keys, each with a type, a default and a line of documentation.

use super::error::Problem;
use super::value::Raw;

/// One key, as `docs/configuration.md` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// `section.key`.
    pub path: String,
    /// What it is set to when nobody sets it, as TOML; empty for nothing.
    pub default: String,
    /// What may stand there.
    pub expected: &'static str,
}

/// One key of a section with its value; none where it is not set.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) value: Option<toml::Value>,
    /// What may stand there.
    pub(super) expected: &'static str,
}

/// One table of the configuration file.
pub(super) trait Section: Default {
    /// The name of the table.
    const NAME: &'static str;

    /// Sets `key`, or tells why it cannot be set.
    fn set(&mut self, key: &str, raw: &Raw<'_>) -> Result<(), Problem>;

    /// Sets `key` to what it is in `other`; nothing where there is no such key.
    fn take(&mut self, key: &str, other: &Self);

    /// Returns every key, in order.
    fn entries(&self) -> Vec<Entry>;

    /// Returns the key at fault and what is wrong with it, where keys do not fit one another.
    fn check(&self) -> Result<(), (&'static str, Problem)> {
        Ok(())
    }
}

/// Declares a section: its table, and for each key the type, the default and what it is for.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $name:ident as $table:literal, checked by $check:path {
            $($(#[$key_doc:meta])* $key:ident: $type:ty = $default:expr;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$key_doc])* pub $key: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $crate::config::section::Section for $name {
            const NAME: &'static str = $table;

            fn set(
                &mut self,
                key: &str,
                raw: &$crate::config::value::Raw<'_>,
            ) -> Result<(), $crate::config::error::Problem> {
                match key {
                    $(stringify!($key) => self.$key = $crate::config::value::parse(raw)?,)*
                    _ => return Err($crate::config::error::Problem::UnknownKey),
                }
                Ok(())
            }

            fn take(&mut self, key: &str, other: &Self) {
                match key {
                    $(stringify!($key) => self.$key.clone_from(&other.$key),)*
                    _ => {}
                }
            }

            fn entries(&self) -> Vec<$crate::config::section::Entry> {
                use $crate::config::{section::Entry, value::Value};
                vec![$(Entry {
                    key: stringify!($key),
                    value: self.$key.to_toml(),
                    expected: <$type as Value>::EXPECTED,
                },)*]
            }

            fn check(&self) -> Result<(), (&'static str, $crate::config::error::Problem)> {
                $check(self)
            }
        }
    };
}
pub(super) use section;

/// The check of a section whose keys need none beside their types.
pub(super) fn nothing_more<S>(_: &S) -> Result<(), (&'static str, Problem)> {
    Ok(())
}
