//! Tokens that tell by their looks what they are, one row a family.

use Body::{Alnum, Base32, Base64, Bech32, Capital, Dotted, Hex, Path, Query, Url};
use Check::{Checksum, Jwt, Parts, Plain, Segment};

/// One family of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    /// The name that findings and traces carry.
    pub(crate) rule: &'static str,
    /// What the token starts with, case-sensitive.
    pub(crate) prefix: &'static str,
    /// What may follow it.
    pub(crate) body: Body,
    /// The fewest characters that follow.
    pub(crate) least: usize,
    /// The most characters that follow.
    pub(crate) most: usize,
    /// What else must hold.
    pub(crate) check: Check,
    /// The run that stands directly before the prefix and belongs to the token: its alphabet, the fewest and the most characters.
    pub(crate) before: Option<(Body, usize, usize)>,
    /// Whether the prefix is the name of a field, which is kept.
    pub(crate) field: bool,
}

/// The characters a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Digits.
    Digits,
    /// Hexadecimal digits, of either case.
    Hex,
    /// Letters and digits.
    Alnum,
    /// Capitals and digits.
    Capital,
    /// Base 32 (RFC 4648): capitals and the digits 2 to 7.
    Base32,
    /// Bech32 capitals (BIP 173).
    Bech32,
    /// Base 64 (RFC 4648): letters, digits, `+`, `/`, `=`.
    Base64,
    /// URL-safe base 64: letters, digits, `-`, `_`.
    Url,
    /// The same and `.`, `=`.
    Dotted,
    /// The same and `/`: the path of a URL.
    Path,
    /// The value of a query parameter: also `%`, `+`, `~`.
    Query,
}

impl Body {
    pub(crate) fn holds(self, byte: u8) -> bool {
        match self {
            Body::Digits => byte.is_ascii_digit(),
            Body::Hex => byte.is_ascii_hexdigit(),
            Body::Alnum => byte.is_ascii_alphanumeric(),
            Body::Capital => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Body::Base32 => byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'),
            Body::Bech32 => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".contains(&byte),
            Body::Base64 => byte.is_ascii_alphanumeric() || b"+/=".contains(&byte),
            Body::Url => byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
            Body::Dotted => byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte),
            Body::Path => byte.is_ascii_alphanumeric() || b"-_.=/".contains(&byte),
            Body::Query => byte.is_ascii_alphanumeric() || b"-_.=/%+~".contains(&byte),
        }
    }
}

/// What a prefix and an alphabet alone do not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// A digit, or capitals and small letters, or a length that no word has.
    Plain,
    /// One stretch without `-` and `_` that no word is: for prefixes that begin names in plain talk too.
    Segment,
    /// The checksum of GitHub raises the score; without it the token is taken all the same, since a typo is a leak too.
    Checksum,
    /// That many parts between dots or slashes, each of four characters or more.
    Parts(usize),
    /// A JSON Web Token (RFC 7519): two parts or more, and 40 characters.
    Jwt,
}

const fn family(rule: &'static str, prefix: &'static str, body: Body, least: usize) -> Family {
    Family { rule, prefix, body, least, most: usize::MAX, check: Plain, before: None, field: false }
}

impl Family {
    const fn up_to(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    const fn exactly(mut self) -> Self {
        self.most = self.least;
        self
    }

    const fn with(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    const fn after(mut self, body: Body, least: usize, most: usize) -> Self {
        self.before = Some((body, least, most));
        self
    }

    const fn field(mut self) -> Self {
        self.field = true;
        self
    }
}

/// Every family. Where two prefixes begin at one place the longer one counts.
pub(crate) const FAMILIES: &[Family] = &[
    // Clouds.
    family("aws_access_key", "AKIA", Capital, 16).exactly(),
    family("aws_access_key", "ASIA", Capital, 16).exactly(),
    family("aws_access_key", "ABIA", Capital, 16).exactly(),
    family("aws_access_key", "ACCA", Capital, 16).exactly(),
    family("aws_bedrock_key", "ABSK", Base64, 100),
    family("google_key", "AIza", Url, 35),
    family("google_token", "ya29.", Dotted, 20),
    family("google_secret", "GOCSPX-", Url, 24),
    family("google_refresh_token", "1//0", Url, 40),
    family("azure_client_secret", "Q~", Query, 31).up_to(36).after(Query, 4, 4),
    family("azure_devops_token", "AZDO", Alnum, 4).up_to(8).after(Alnum, 60, 84),
    family("digitalocean_token", "dop_v1_", Hex, 40),
    family("digitalocean_token", "doo_v1_", Hex, 40),
    family("digitalocean_token", "dor_v1_", Hex, 40),
    family("alibaba_access_key", "LTAI", Alnum, 12).up_to(26),
    family("tencent_secret_id", "AKID", Alnum, 32).up_to(40),
    family("yandex_key", "AQVN", Url, 35).up_to(40),
    family("ibm_cloud_key", "ApiKey-", Url, 36),
    family("cloudflare_origin_key", "v1.0-", Url, 120),
    family("heroku_key", "HRKU-", Url, 36),
    family("fly_token", "fo1_", Url, 40),
    family("fly_token", "fm1a_", Base64, 80),
    family("fly_token", "fm1r_", Base64, 80),
    family("fly_token", "fm2_", Base64, 80),
    family("scaleway_key", "SCW", Capital, 17).exactly(),
    family("scalingo_token", "tk-us-", Url, 40),
    family("render_key", "rnd_", Alnum, 28),
    family("railway_token", "rlwy_", Alnum, 28),
    family("supabase_token", "sbp_", Hex, 36),
    family("supabase_key", "sb_secret_", Url, 28),
    family("vercel_token", "vcp_", Alnum, 24),
    family("netlify_token", "nfp_", Alnum, 32),
    family("databricks_token", "dapi", Hex, 32),
    family("clickhouse_key", "4b1d", Alnum, 38).exactly(),
    family("planetscale_token", "pscale_tkn_", Dotted, 32),
    family("planetscale_token", "pscale_oauth_", Dotted, 32),
    family("planetscale_password", "pscale_pw_", Dotted, 32),
    family("neon_key", "napi_", Alnum, 32),
    family("tailscale_key", "tskey-", Url, 20),
    family("defined_networking_key", "dnkey-", Url, 60),
    // Versions and packages.
    family("github_token", "ghp_", Alnum, 30).with(Checksum),
    family("github_token", "gho_", Alnum, 30).with(Checksum),
    family("github_token", "ghu_", Alnum, 30).with(Checksum),
    family("github_token", "ghs_", Alnum, 30).with(Checksum),
    family("github_token", "ghr_", Alnum, 30).with(Checksum),
    family("github_token", "github_pat_", Url, 36),
    family("gitlab_token", "glpat-", Dotted, 20),
    family("gitlab_token", "gldt-", Url, 20),
    family("gitlab_token", "glrt-", Dotted, 20),
    family("gitlab_token", "glrtr-", Dotted, 20),
    family("gitlab_token", "glptt-", Url, 20),
    family("gitlab_token", "glcbt-", Dotted, 20),
    family("gitlab_token", "glffct-", Url, 20),
    family("gitlab_token", "glft-", Url, 20),
    family("gitlab_token", "glimt-", Url, 20),
    family("gitlab_token", "glagent-", Url, 40),
    family("gitlab_token", "gloas-", Url, 40),
    family("gitlab_token", "glsoat-", Url, 20),
    family("gitlab_token", "GR1348941", Url, 20),
    family("gitlab_session", "_gitlab_session=", Hex, 32).field(),
    family("bitbucket_token", "ATBB", Alnum, 24),
    family("bitbucket_token", "ATCTT3", Dotted, 60),
    family("npm_token", "npm_", Alnum, 36).with(Checksum),
    family("pypi_token", "pypi-AgE", Url, 50),
    family("rubygems_token", "rubygems_", Hex, 40),
    family("crates_token", "cio", Alnum, 32).exactly(),
    family("nuget_key", "oy2", Alnum, 43).exactly(),
    family("clojars_token", "CLOJARS_", Alnum, 50),
    family("docker_token", "dckr_pat_", Url, 24),
    family("docker_token", "dckr_oat_", Url, 24),
    family("jfrog_key", "AKCp", Alnum, 60),
    family("jfrog_token", "cmVmd", Alnum, 55).up_to(64),
    family("sourcegraph_token", "sgp_", Url, 40),
    family("circleci_token", "CCIPAT_", Url, 30),
    family("buildkite_token", "bkua_", Alnum, 36),
    family("octopus_key", "API-", Capital, 25).up_to(32),
    family("snyk_token", "snyk_uat.", Dotted, 30),
    family("sonar_token", "squ_", Hex, 40),
    family("sonar_token", "sqp_", Hex, 40),
    family("sonar_token", "sqa_", Hex, 40),
    family("harness_key", "pat.", Dotted, 66).up_to(72).with(Parts(3)),
    family("harness_key", "sat.", Dotted, 66).up_to(72).with(Parts(3)),
    // Keepers of secrets.
    family("terraform_token", ".atlasv1.", Dotted, 56).after(Alnum, 14, 14),
    family("vault_token", "hvs.", Dotted, 20),
    family("vault_token", "hvb.", Dotted, 20),
    family("vault_token", "hvr.", Dotted, 20),
    family("doppler_token", "dp.pt.", Alnum, 40),
    family("doppler_token", "dp.st.", Dotted, 40),
    family("doppler_token", "dp.ct.", Alnum, 40),
    family("doppler_token", "dp.sa.", Alnum, 40),
    family("doppler_token", "dp.scim.", Alnum, 40),
    family("pulumi_token", "pul-", Hex, 40),
    family("infisical_token", "st.", Dotted, 60).up_to(120).with(Parts(3)),
    family("onepassword_token", "ops_eyJ", Base64, 80),
    family("onepassword_key", "A3-", Url, 34).up_to(40),
    family("age_key", "AGE-SECRET-KEY-1", Bech32, 50),
    family("age_key", "AGE-PLUGIN-", Url, 50),
    family("openshift_token", "sha256~", Url, 40),
    family("subrosa_key", "srk_", Url, 24),
    // Language models and what serves them.
    family("ai_provider_key", "sk-", Url, 20).with(Segment),
    family("openai_key", "sk-proj-", Url, 32),
    family("openai_key", "sk-svcacct-", Url, 32),
    family("openai_key", "sk-admin-", Url, 32),
    family("anthropic_key", "sk-ant-", Url, 32),
    family("openrouter_key", "sk-or-", Url, 32),
    family("groq_key", "gsk_", Alnum, 32),
    family("xai_key", "xai-", Url, 32).with(Segment),
    family("perplexity_key", "pplx-", Alnum, 32),
    family("huggingface_token", "hf_", Alnum, 30),
    family("huggingface_token", "api_org_", Alnum, 30),
    family("replicate_token", "r8_", Alnum, 30),
    family("fireworks_key", "fw_", Alnum, 22).up_to(32),
    family("langchain_key", "lsv2_pt_", Url, 32),
    family("langchain_key", "lsv2_sk_", Url, 32),
    family("pinecone_key", "pcsk_", Url, 40),
    family("elevenlabs_key", "sk_", Hex, 40).up_to(64),
    family("wandb_key", "wandb_v1_", Url, 32),
    family("nvidia_key", "nvapi-", Url, 40),
    // Payments and shops.
    family("stripe_key", "sk_live_", Alnum, 10),
    family("stripe_key", "sk_test_", Alnum, 10),
    family("stripe_key", "sk_prod_", Alnum, 10),
    family("stripe_key", "rk_live_", Alnum, 10),
    family("stripe_key", "rk_test_", Alnum, 10),
    family("stripe_key", "rk_prod_", Alnum, 10),
    family("stripe_key", "whsec_", Base64, 20),
    family("square_token", "sq0atp-", Url, 22),
    family("square_token", "sq0csp-", Url, 22),
    family("square_token", "EAAA", Url, 50).up_to(64),
    family("paypal_token", "access_token$production$", Dotted, 40),
    family("paypal_token", "access_token$sandbox$", Dotted, 40),
    family("adyen_key", "AQE", Dotted, 90),
    family("plaid_token", "access-sandbox-", Url, 36),
    family("plaid_token", "access-development-", Url, 36),
    family("plaid_token", "access-production-", Url, 36),
    family("flutterwave_key", "FLWSECK_TEST-", Url, 12),
    family("flutterwave_key", "FLWSECK-", Url, 32),
    family("flutterwave_key", "FLWPUBK_TEST-", Url, 32),
    family("razorpay_key", "rzp_live_", Alnum, 14),
    family("razorpay_key", "rzp_test_", Alnum, 14),
    family("mollie_key", "live_", Alnum, 30).up_to(50),
    family("mollie_key", "test_", Alnum, 30).up_to(50),
    family("easypost_key", "EZAK", Alnum, 54),
    family("easypost_key", "EZTK", Alnum, 54),
    family("shippo_key", "shippo_live_", Hex, 40),
    family("shippo_key", "shippo_test_", Hex, 40),
    family("duffel_key", "duffel_live_", Dotted, 40),
    family("duffel_key", "duffel_test_", Dotted, 40),
    family("shopify_token", "shpat_", Hex, 30),
    family("shopify_token", "shpss_", Hex, 30),
    family("shopify_token", "shpca_", Hex, 30),
    family("shopify_token", "shppa_", Hex, 30),
    family("shopify_token", "shprt_", Hex, 30),
    // Mail, chat and telephone.
    family("slack_token", "xoxb-", Url, 20),
    family("slack_token", "xoxp-", Url, 20),
    family("slack_token", "xoxa-", Url, 12),
    family("slack_token", "xoxr-", Url, 12),
    family("slack_token", "xoxs-", Url, 20),
    family("slack_token", "xoxo-", Url, 20),
    family("slack_token", "xoxc-", Url, 20),
    family("slack_token", "xoxd-", Query, 20),
    family("slack_token", "xoxe-", Url, 20),
    family("slack_token", "xoxe.xoxb-", Url, 20),
    family("slack_token", "xoxe.xoxp-", Url, 20),
    family("slack_token", "xapp-", Url, 20),
    family("twilio_key", "SK0", Hex, 31).exactly(),
    family("twilio_key", "SK1", Hex, 31).exactly(),
    family("twilio_key", "SK2", Hex, 31).exactly(),
    family("twilio_key", "SK3", Hex, 31).exactly(),
    family("twilio_key", "SK4", Hex, 31).exactly(),
    family("twilio_key", "SK5", Hex, 31).exactly(),
    family("twilio_key", "SK6", Hex, 31).exactly(),
    family("twilio_key", "SK7", Hex, 31).exactly(),
    family("twilio_key", "SK8", Hex, 31).exactly(),
    family("twilio_key", "SK9", Hex, 31).exactly(),
    family("twilio_key", "SKa", Hex, 31).exactly(),
    family("twilio_key", "SKb", Hex, 31).exactly(),
    family("twilio_key", "SKc", Hex, 31).exactly(),
    family("twilio_key", "SKd", Hex, 31).exactly(),
    family("twilio_key", "SKe", Hex, 31).exactly(),
    family("twilio_key", "SKf", Hex, 31).exactly(),
    family("sendgrid_key", "SG.", Dotted, 40).with(Parts(2)),
    family("mailgun_key", "key-", Hex, 32).exactly(),
    family("mailgun_key", "pubkey-", Hex, 32).exactly(),
    family("mailchimp_key", "-us", Body::Digits, 1).up_to(2).after(Hex, 32, 32),
    family("brevo_key", "xkeysib-", Url, 60),
    family("brevo_key", "xsmtpsib-", Url, 60),
    family("mailersend_key", "mlsn.", Hex, 60),
    family("resend_key", "re_", Url, 24).up_to(48).with(Segment),
    family("telegram_token", ":AA", Url, 32).up_to(34).after(Body::Digits, 8, 11),
    family("facebook_token", "EAAC", Alnum, 80),
    family("facebook_token", "EAAM", Alnum, 80),
    family("facebook_token", "EAAG", Alnum, 80),
    family("facebook_token", "EAAB", Alnum, 80),
    family("instagram_token", "IGQV", Alnum, 80),
    family("dropbox_token", "sl.", Dotted, 120),
    family("intercom_token", "dG9rO", Base64, 50),
    family("microsoft_graph_token", "EwB", Base64, 200),
    // Work and watch.
    family("grafana_token", "glsa_", Url, 30),
    family("grafana_token", "glc_", Base64, 32),
    family("newrelic_key", "NRAK-", Alnum, 24),
    family("newrelic_key", "NRII-", Url, 28),
    family("newrelic_key", "NRJS-", Hex, 17),
    family("newrelic_key", "NRAA-", Hex, 24),
    family("sentry_token", "sntrys_", Path, 60),
    family("sentry_token", "sntryu_", Hex, 60),
    family("dynatrace_token", "dt0c01.", Dotted, 80),
    family("dynatrace_token", "dt0s16.", Dotted, 80),
    family("datadog_key", "ddapp_", Alnum, 30),
    family("posthog_key", "phx_", Alnum, 32),
    family("linear_key", "lin_api_", Alnum, 30),
    family("linear_key", "lin_oauth_", Alnum, 30),
    family("notion_token", "ntn_", Alnum, 40),
    family("notion_token", "secret_", Alnum, 40).up_to(50),
    family("atlassian_token", "ATATT3", Dotted, 40),
    family("airtable_token", "pat", Dotted, 79).exactly().with(Parts(2)),
    family("figma_token", "figd_", Url, 32),
    family("typeform_token", "tfp_", Dotted, 40),
    family("postman_key", "PMAK-", Url, 50),
    family("contentful_token", "CFPAT-", Url, 40),
    family("frameio_token", "fio-u-", Dotted, 50),
    family("prefect_key", "pnu_", Alnum, 36),
    family("prefect_key", "pnb_", Alnum, 36),
    family("readme_key", "rdme_", Alnum, 60),
    family("infracost_key", "ico-", Alnum, 32).exactly(),
    family("maxmind_key", "_mmk", Alnum, 0).exactly().after(Url, 36, 36),
    family("mapbox_token", "sk.eyJ", Dotted, 60),
    family("adobe_secret", "p8e-", Url, 32),
    family("intra42_secret", "s-s4t2ud-", Hex, 60),
    family("intra42_secret", "s-s4t2af-", Hex, 60),
    family("settlemint_token", "sm_aat_", Alnum, 16),
    family("settlemint_token", "sm_pat_", Alnum, 16),
    family("settlemint_token", "sm_sat_", Alnum, 16),
    family("lob_key", "live_pub_", Hex, 28),
    family("lob_key", "test_pub_", Hex, 28),
    family("openai_key", "sess-", Alnum, 40),
    family("hubspot_token", "pat-na1-", Url, 36),
    family("hubspot_token", "pat-na2-", Url, 36),
    family("hubspot_token", "pat-eu1-", Url, 36),
    // Signed and encrypted things.
    family("jwt", "eyJ", Path, 20).with(Jwt),
    family("jwt_base64", "ZXlK", Base64, 80),
    family("ssh_private_key", "b3BlbnNzaC1rZXktdjE", Base64, 60),
    family("putty_private_key", "PuTTY-User-Key-File-", Body::Digits, 1).exactly(),
    family("totp_secret", "otpauth://totp/", Query, 8),
    family("totp_secret", "otpauth://hotp/", Query, 8),
    family("totp_secret", "?secret=", Base32, 16).field(),
    family("totp_secret", "&secret=", Base32, 16).field(),
    // Addresses whose path or query is the secret.
    family("slack_webhook", "hooks.slack.com/services/", Path, 30).with(Parts(3)),
    family("slack_webhook", "hooks.slack.com/workflows/", Path, 30).with(Parts(3)),
    family("slack_webhook", "hooks.slack.com/triggers/", Path, 30).with(Parts(3)),
    family("discord_webhook", "discord.com/api/webhooks/", Path, 60).with(Parts(2)),
    family("discord_webhook", "discordapp.com/api/webhooks/", Path, 60).with(Parts(2)),
    family("teams_webhook", "webhook.office.com/webhookb2/", Path, 30),
    family("teams_webhook", "outlook.office.com/webhook/", Path, 30),
    family("zapier_webhook", "hooks.zapier.com/hooks/catch/", Path, 10),
    family("make_webhook", "hook.make.com/", Alnum, 28),
    family("ifttt_webhook", "maker.ifttt.com/use/", Url, 20),
    family("feishu_webhook", "open.feishu.cn/open-apis/bot/v2/hook/", Url, 30),
    family("lark_webhook", "open.larksuite.com/open-apis/bot/v2/hook/", Url, 30),
    family("wecom_webhook", "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", Url, 30),
    family("dingtalk_webhook", "oapi.dingtalk.com/robot/send?access_token=", Hex, 40),
    family("azure_signature", "&sig=", Query, 30).field(),
    family("azure_signature", "?sig=", Query, 30).field(),
    family("signed_url", "X-Amz-Signature=", Hex, 40).field(),
    family("signed_url", "X-Goog-Signature=", Hex, 40).field(),
    family("signed_url", "X-Amz-Security-Token=", Query, 40).field(),
    family("connection_string", "AccountKey=", Base64, 24).field(),
    family("connection_string", "SharedAccessKey=", Base64, 24).field(),
    family("connection_string", "SharedAccessSignature=", Query, 40).field(),
];
