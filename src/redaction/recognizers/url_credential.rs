//! Passwords in URLs: the userinfo of RFC 3986 section 3.2.1, `user:password` before the `@`.

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;

/// Pushes the userinfo of the URL whose `://` is at `at`.
pub(crate) fn find(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
    let scheme = at.checked_sub(1).is_some_and(|before| view.bytes[before].is_ascii_alphanumeric());
    if !view.looks_for(Class::UrlCredential) || !scheme {
        return;
    }
    let start = at + 3;
    let limit = view.bytes.len().min(start + MAX_AUTHORITY);
    let authority = &view.bytes[start..limit];
    let length = authority
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"/?#<>\"`\\".contains(byte))
        .unwrap_or(authority.len());
    let Some(end) = memchr::memrchr(b'@', &authority[..length]).map(|at| start + at) else { return };
    let has_password = memchr::memchr(b':', &view.bytes[start..end]).is_some_and(|colon| start + colon + 1 < end);
    if has_password {
        let verdict = "user and password before a host";
        let rule = "url_userinfo";
        hits.push(Hit {
            class: Class::UrlCredential,
            rule,
            score: 95,
            span: start..end,
            stage: Stage::Validate,
            verdict,
            word: None,
        });
    }
}

/// How far the `@` is looked for, in bytes.
const MAX_AUTHORITY: usize = 512;

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn the_userinfo_is_found() {
        assert_eq!(found(Class::UrlCredential, "see postgres://bob:s3cr3t@db.example:5432/app"), ["bob:s3cr3t"]);
        assert_eq!(found(Class::UrlCredential, "https://bob:p@ss@example.org/"), ["bob:p@ss"]);
        assert_eq!(found(Class::UrlCredential, "redis://:s3cr3t@cache"), [":s3cr3t"]);
    }

    #[test]
    fn urls_without_a_password_hold_none() {
        for text in ["https://example.org/a@b:c", "https://bob@example.org", "https://example.org:80/", "://a:b@c"] {
            assert_eq!(found(Class::UrlCredential, text), [""; 0], "{text}");
        }
    }
}
