//! Vendors whose keys look like any hash: only the vendor's name before one tells, with `:` or `=` or a word such as "key" between.

use super::families::Body;

/// What keys of a vendor look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A run of that alphabet, from so many characters to so many.
    Run(Body, usize, usize),
    /// A UUID (RFC 9562).
    Uuid,
}

/// The name of a vendor, in small letters, and the shapes of its keys.
pub(crate) type Vendor = (&'static str, &'static [Shape]);

const HEX_32: &[Shape] = &[Shape::Run(Body::Hex, 32, 32)];
const HEX_40: &[Shape] = &[Shape::Run(Body::Hex, 40, 40)];
const HEX_64: &[Shape] = &[Shape::Run(Body::Hex, 64, 64)];
const UUID: &[Shape] = &[Shape::Uuid];

const fn run(least: usize, most: usize) -> Shape {
    Shape::Run(Body::Alnum, least, most)
}
const fn url(least: usize, most: usize) -> Shape {
    Shape::Run(Body::Url, least, most)
}

/// Every vendor.
pub(crate) const VENDORS: &[Vendor] = &[
    ("adafruit", &[url(32, 32)]),
    ("adobe", HEX_32),
    ("airtable", &[run(17, 17)]),
    ("algolia", &[run(32, 32)]),
    ("alibaba", &[run(30, 30)]),
    ("aliyun", &[run(30, 30)]),
    ("asana", &[run(32, 32), Shape::Run(Body::Digits, 16, 16)]),
    ("atlassian", &[run(24, 24)]),
    ("confluence", &[run(24, 24)]),
    ("jira", &[run(24, 24)]),
    ("beamer", &[url(44, 48)]),
    ("bitbucket", &[run(32, 32), url(64, 64)]),
    ("bittrex", HEX_32),
    ("meraki", HEX_40),
    ("cloudflare", &[url(40, 40), Shape::Run(Body::Hex, 37, 37)]),
    ("codecov", &[run(32, 32), Shape::Uuid]),
    ("cohere", &[run(40, 40)]),
    ("coinbase", &[url(64, 64)]),
    ("confluent", &[run(16, 16), run(64, 64)]),
    ("contentful", &[url(43, 43)]),
    ("datadog", &[Shape::Run(Body::Hex, 32, 32), Shape::Run(Body::Hex, 40, 40), run(40, 40)]),
    ("discord", &[url(32, 32), Shape::Run(Body::Hex, 64, 64), Shape::Run(Body::Dotted, 59, 75)]),
    ("droneci", &[run(32, 32)]),
    ("dropbox", &[run(15, 15), url(64, 64)]),
    ("etsy", &[run(24, 24)]),
    ("facebook", HEX_32),
    ("fastly", &[url(32, 32)]),
    ("finicity", &[run(20, 20), Shape::Run(Body::Hex, 32, 32)]),
    ("finnhub", &[run(20, 20)]),
    ("flickr", HEX_32),
    ("freshbooks", HEX_64),
    ("gitter", &[url(40, 40)]),
    ("heroku", UUID),
    ("hubspot", UUID),
    ("intercom", &[url(60, 60)]),
    ("jfrog", &[run(64, 64), run(73, 73)]),
    ("artifactory", &[run(64, 64), run(73, 73)]),
    ("kraken", &[Shape::Run(Body::Base64, 56, 90)]),
    ("kucoin", &[Shape::Run(Body::Hex, 24, 24), Shape::Uuid]),
    ("launchdarkly", &[url(40, 44)]),
    ("linkedin", &[run(14, 16)]),
    ("mailgun", &[Shape::Run(Body::Url, 50, 50), Shape::Run(Body::Hex, 32, 32)]),
    ("mattermost", &[run(26, 26)]),
    ("messagebird", &[run(25, 25), Shape::Uuid]),
    ("netlify", &[url(40, 46)]),
    ("newrelic", &[run(64, 64), run(40, 40)]),
    ("new_relic", &[run(64, 64), run(40, 40)]),
    ("new relic", &[run(64, 64), run(40, 40)]),
    ("nytimes", &[url(32, 32)]),
    ("okta", &[url(42, 42)]),
    ("plaid", &[run(24, 24), run(30, 30)]),
    ("rapidapi", &[url(50, 50)]),
    ("scaleway", UUID),
    ("sendbird", &[Shape::Run(Body::Hex, 40, 40), Shape::Uuid]),
    ("sentry", HEX_64),
    ("snyk", UUID),
    ("sonar", &[run(40, 40)]),
    ("squarespace", UUID),
    ("sumologic", &[run(64, 64), run(14, 14)]),
    ("travis", &[url(22, 22)]),
    ("twilio", HEX_32),
    ("twitch", &[run(30, 30)]),
    ("twitter", &[run(25, 25), run(45, 45), run(50, 50)]),
    ("yandex", &[url(40, 60)]),
    ("zendesk", &[run(40, 40), run(64, 64)]),
];
