//! Resource names in the style of AIP-122: `tenants/{t}/conversations/{c}/records/{seq}`.

use std::fmt;
use std::str::FromStr;

use super::ids::{ConversationId, IdError, TenantId};

/// A tenant: `tenants/{tenant}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TenantName(pub TenantId);

/// A conversation: `tenants/{tenant}/conversations/{uuid}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConversationName {
    /// Whose conversation it is.
    pub tenant: TenantId,
    /// Which one.
    pub id: ConversationId,
}

/// A record: `tenants/{tenant}/conversations/{uuid}/records/{sequence}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordName {
    /// The conversation it is of.
    pub conversation: ConversationName,
    /// Its number in it, from 1.
    pub sequence: u64,
}

/// A tenant key version: `tenants/{tenant}/keys/{version}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Its version, from 1.
    pub version: u32,
}

/// A policy: `tenants/{tenant}/policies/{redaction|retention}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyName {
    /// Whose policy it is.
    pub tenant: TenantId,
    /// Which of the tenant's policies.
    pub kind: super::PolicyKind,
}

impl ConversationName {
    /// Returns the name of the record with `sequence` in this conversation.
    pub fn record(&self, sequence: u64) -> String {
        format!("{self}/records/{sequence}")
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenants/{}", self.0)
    }
}

impl fmt::Display for ConversationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenants/{}/conversations/{}", self.tenant, self.id)
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.conversation.record(self.sequence))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenants/{}/keys/{}", self.tenant, self.version)
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tenants/{}/policies/{}", self.tenant, self.kind.as_str())
    }
}

impl FromStr for TenantName {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        match segments(s).as_slice() {
            ["tenants", tenant] => Ok(Self(tenant.parse()?)),
            _ => Err(IdError { expected: "tenants/{tenant}" }),
        }
    }
}

impl FromStr for ConversationName {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        match segments(s).as_slice() {
            ["tenants", tenant, "conversations", id] => Ok(Self { tenant: tenant.parse()?, id: id.parse()? }),
            _ => Err(IdError { expected: "tenants/{tenant}/conversations/{conversation}" }),
        }
    }
}

impl FromStr for RecordName {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = IdError { expected: "tenants/{tenant}/conversations/{conversation}/records/{sequence}" };
        let (conversation, number) = s.split_once("/records/").ok_or(wrong)?;
        if number.starts_with(['0', '+']) {
            return Err(wrong);
        }
        let sequence = number.parse().map_err(|_| wrong)?;
        Ok(Self { conversation: conversation.parse().map_err(|_| wrong)?, sequence })
    }
}

impl FromStr for KeyName {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = IdError { expected: "tenants/{tenant}/keys/{version}" };
        match segments(s).as_slice() {
            ["tenants", tenant, "keys", version] => {
                let number = version.parse().map_err(|_| wrong)?;
                if version.starts_with(['0', '+']) {
                    return Err(wrong);
                }
                Ok(Self { tenant: tenant.parse()?, version: number })
            }
            _ => Err(wrong),
        }
    }
}

impl FromStr for PolicyName {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = IdError { expected: "tenants/{tenant}/policies/{redaction|retention}" };
        match segments(s).as_slice() {
            ["tenants", tenant, "policies", kind] => {
                Ok(Self { tenant: tenant.parse()?, kind: kind.parse().map_err(|_| wrong)? })
            }
            _ => Err(wrong),
        }
    }
}

/// Splits at slashes; the sixth segment and what follows stay together, so that a long name costs nothing.
fn segments(s: &str) -> Vec<&str> {
    s.splitn(6, '/').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_they_print() {
        let name = "tenants/acme/conversations/0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e";
        let parsed: ConversationName = name.parse().unwrap();
        assert_eq!(parsed.to_string(), name);
        assert_eq!(parsed.record(7), format!("{name}/records/7"));
        let record: RecordName = parsed.record(7).parse().unwrap();
        assert_eq!((record.sequence, record.to_string()), (7, format!("{name}/records/7")));
        for wrong in ["/records/0", "/records/07", "/records/+7", "/records/x", "/records/7/x", "/records/", ""] {
            assert!(format!("{name}{wrong}").parse::<RecordName>().is_err(), "{wrong}");
        }
        assert_eq!("tenants/acme/keys/3".parse::<KeyName>().unwrap().version, 3);
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in ["", "tenants/", "tenants/acme/", "tenant/acme", "tenants/acme/conversations/x", "/tenants/acme"] {
            assert!(bad.parse::<ConversationName>().is_err(), "{bad}");
            assert!(bad.parse::<TenantName>().is_err(), "{bad}");
        }
        for bad in ["tenants/acme/keys/0", "tenants/acme/keys/01", "tenants/acme/keys/+1", "tenants/acme/keys/-1"] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad}");
        }
    }
}
