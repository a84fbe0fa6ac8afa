//! Secrets that can be told by their own looks: vendors' key prefixes, JSON Web Tokens, PEM private keys.

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;

/// A key prefix and what must follow it.
pub(crate) struct Prefix {
    /// The prefix, case-sensitive.
    pub(crate) text: &'static str,
    rule: &'static str,
    /// The fewest characters behind the prefix.
    least: usize,
}

/// Judges the token that starts with `prefix` at `start`, and returns where it ends.
pub(crate) fn find(view: &View<'_>, prefix: &Prefix, start: usize, hits: &mut Vec<Hit>) -> usize {
    let body = start + prefix.text.len();
    let dotted = matches!(
        prefix.rule,
        "jwt" | "sendgrid_key" | "google_token" | "vault_token" | "slack_webhook" | "telegram_token"
    );
    let is_body = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || dotted && matches!(byte, b'.' | b'/')
    };
    let length = view.bytes[body..].iter().position(|byte| !is_body(byte)).unwrap_or(view.bytes.len() - body);
    let trimmed = view.bytes[body..body + length]
        .trim_ascii_end()
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'.' | b'/'))
        .count();
    let span = start..body + length - trimmed;
    let exact = &view.bytes[start..body] == prefix.text.as_bytes();
    if exact && view.starts_clean(start) && length - trimmed >= prefix.least && convinces(view, prefix, &span) {
        push(prefix.rule, span, hits);
    }
    body + length
}

/// Pushes the private key whose `-----BEGIN` stands at `start`, and returns where it ends. `ends` says whether an END line can
/// still come, so that a text of BEGIN lines alone is walked once.
pub(crate) fn find_pem(view: &View<'_>, start: usize, ends: &mut bool, hits: &mut Vec<Hit>) -> usize {
    let label = start + BEGIN.len();
    let line = &view.bytes[label..view.bytes.len().min(label + MAX_LABEL)];
    let Some(length) = memchr::memmem::find(line, b"PRIVATE KEY") else { return label };
    if line[..length].iter().any(|byte| !(byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')) {
        return label;
    }
    let body = label + length;
    let end = if *ends { memchr::memmem::find(&view.bytes[body..], b"-----END ") } else { None };
    *ends = end.is_some();
    let end = match end.map(|at| body + at + b"-----END ".len()) {
        Some(end) => end_line(view, end),
        None => open_end(view, body),
    };
    push("pem_private_key", start..end, hits);
    end
}

fn push(rule: &'static str, span: Range<usize>, hits: &mut Vec<Hit>) {
    hits.push(Hit {
        class: Class::Secret,
        rule,
        score: 95,
        span,
        stage: Stage::Scan,
        verdict: "form holds",
        word: None,
    });
}

/// Returns where the END line ends whose label starts at `start`.
fn end_line(view: &View<'_>, start: usize) -> usize {
    let rest = &view.bytes[start..view.bytes.len().min(start + MAX_LABEL)];
    match memchr::memmem::find(rest, b"-----") {
        Some(dashes) if !rest[..dashes].contains(&b'\n') => start + dashes + 5,
        _ => start + rest.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count(),
    }
}

/// Returns where the base64 of a key without an END line ends.
fn open_end(view: &View<'_>, body: usize) -> usize {
    let label = body + b"PRIVATE KEY".len();
    let label = label
        + view.bytes[label..]
            .iter()
            .take(20)
            .take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'-'))
            .count();
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,".contains(byte);
    let length = view.bytes[label..].iter().position(|byte| !is_body(byte)).unwrap_or(view.bytes.len() - label);
    label + view.bytes[label..label + length].trim_ascii_end().len()
}

/// Checks what a prefix alone does not show.
fn convinces(view: &View<'_>, prefix: &Prefix, span: &Range<usize>) -> bool {
    let token = &view.bytes[span.clone()];
    match prefix.rule {
        "jwt" => token.split(|byte| *byte == b'.').filter(|part| part.len() >= 4).count() >= 2 && token.len() >= 40,
        "aws_access_key" => {
            token.len() == 20 && token.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        }
        "slack_webhook" => token.iter().filter(|byte| **byte == b'/').count() >= 3,
        _ => token.iter().any(u8::is_ascii_digit) || token.len() >= 40,
    }
}

/// What a PEM block starts with (RFC 7468).
pub(crate) const BEGIN: &str = "-----BEGIN ";
const MAX_LABEL: usize = 64;

const fn prefix(text: &'static str, rule: &'static str, least: usize) -> Prefix {
    Prefix { text, rule, least }
}

/// Prefixes as their vendors document them.
pub(crate) const PREFIXES: [Prefix; 52] = [
    prefix("AKIA", "aws_access_key", 16),
    prefix("ASIA", "aws_access_key", 16),
    prefix("ABIA", "aws_access_key", 16),
    prefix("ACCA", "aws_access_key", 16),
    prefix("ghp_", "github_token", 30),
    prefix("gho_", "github_token", 30),
    prefix("ghu_", "github_token", 30),
    prefix("ghs_", "github_token", 30),
    prefix("ghr_", "github_token", 30),
    prefix("github_pat_", "github_token", 36),
    prefix("glpat-", "gitlab_token", 20),
    prefix("gldt-", "gitlab_token", 20),
    prefix("glrt-", "gitlab_token", 20),
    prefix("glptt-", "gitlab_token", 20),
    prefix("xoxb-", "slack_token", 20),
    prefix("xoxp-", "slack_token", 20),
    prefix("xoxa-", "slack_token", 20),
    prefix("xoxr-", "slack_token", 20),
    prefix("xoxs-", "slack_token", 20),
    prefix("xoxe-", "slack_token", 20),
    prefix("xapp-", "slack_token", 20),
    prefix("hooks.slack.com/services/", "slack_webhook", 30),
    prefix("sk_live_", "stripe_key", 16),
    prefix("sk_test_", "stripe_key", 16),
    prefix("rk_live_", "stripe_key", 16),
    prefix("rk_test_", "stripe_key", 16),
    prefix("whsec_", "stripe_key", 20),
    prefix("AIza", "google_key", 35),
    prefix("ya29.", "google_token", 20),
    prefix("GOCSPX-", "google_secret", 24),
    prefix("sk-", "ai_provider_key", 20),
    prefix("gsk_", "ai_provider_key", 32),
    prefix("xai-", "ai_provider_key", 32),
    prefix("pplx-", "ai_provider_key", 32),
    prefix("hf_", "huggingface_token", 30),
    prefix("r8_", "replicate_token", 30),
    prefix("npm_", "npm_token", 36),
    prefix("pypi-AgEI", "pypi_token", 50),
    prefix("SG.", "sendgrid_key", 40),
    prefix("dop_v1_", "digitalocean_token", 40),
    prefix("shpat_", "shopify_token", 30),
    prefix("shpss_", "shopify_token", 30),
    prefix("glsa_", "grafana_token", 30),
    prefix("dapi", "databricks_token", 32),
    prefix("hvs.", "vault_token", 20),
    prefix("hvb.", "vault_token", 20),
    prefix("tskey-", "tailscale_key", 20),
    prefix("ATATT3", "atlassian_token", 40),
    prefix("lin_api_", "linear_key", 30),
    prefix("AGE-SECRET-KEY-1", "age_key", 50),
    prefix("srk_", "subrosa_key", 24),
    prefix("eyJ", "jwt", 20),
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn every_prefix_finds_a_token_of_its_form() {
        for prefix in &PREFIXES {
            let body = "A1B2C3D4E5F6G7H8".repeat(5);
            let token = match prefix.rule {
                "jwt" => "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJl".to_owned(),
                "slack_webhook" => format!("{}T00000000/B00000000/{}", prefix.text, &body[..24]),
                "aws_access_key" => format!("{}{}", prefix.text, &body[..16]),
                _ => format!("{}{body}", prefix.text),
            };
            assert_eq!(found(Class::Secret, &format!("use {token} now")), [token.as_str()], "{}", prefix.text);
            assert_eq!(found(Class::Secret, &format!("use x{token} now")), [""; 0], "{}", prefix.text);
        }
    }

    #[test]
    fn words_that_begin_alike_are_none() {
        for text in
            ["sk-learn-is-a-library-for-everyone", "AKIA", "task-4f5e6d7c8b9a0f1e2d3c4b5a", "eyJx.y.z", "npm_config"]
        {
            assert_eq!(found(Class::Secret, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_pem_key_is_found_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc+/=\nxyz\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found(Class::Secret, &format!("a\n{key}\nb")), [key]);
        assert_eq!(found(Class::Secret, "-----BEGIN PUBLIC KEY-----\nMIIabc\n-----END PUBLIC KEY-----"), [""; 0]);
    }

    #[test]
    fn a_pem_key_cut_short_is_found_to_its_last_line() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIabc+/=\nxyz";
        assert_eq!(found(Class::Secret, &format!("{key}\n(cut)")), [key]);
    }
}
