//! The classes of personal data and secrets that a finding can have, and the country packs that some of them belong to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Writes down every class once: its variant, its name in tokens and reports, the pack it belongs to, and what it is. The order is the
/// precedence: where findings overlap, the class that stands first wins.
macro_rules! classes {
    ($($variant:ident $name:literal $($pack:ident)? : $doc:literal;)*) => {
        /// The kind of value a finding is, as written in tokens, policies and reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum Class {
            $(#[doc = $doc] $variant,)*
        }

        impl Class {
            /// Every class, in the order of precedence.
            pub const ALL: &'static [Class] = &[$(Class::$variant,)*];

            /// Returns the name of the class as it stands in tokens and reports, such as `EMAIL`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Class::$variant => $name,)*
                }
            }

            /// Returns the pack that the class belongs to, if it is of one country.
            pub const fn pack(self) -> Option<Pack> {
                match self {
                    $(Class::$variant => classes!(@pack $($pack)?),)*
                }
            }

            /// Returns the class of that name.
            fn named(name: &str) -> Option<Class> {
                match name {
                    $($name => Some(Class::$variant),)*
                    _ => None,
                }
            }
        }
    };
    (@pack) => { None };
    (@pack $pack:ident) => { Some(Pack::$pack) };
}

classes! {
    Secret "SECRET": "A password, key, token, one-time code or card security code.";
    UrlCredential "URL_CREDENTIAL": "The user and password part of a URL (RFC 3986 userinfo).";
    Iban "IBAN": "An international bank account number (ISO 13616).";
    Card "CARD": "A payment card number (PAN, ISO/IEC 7812).";
    UsSsn "US_SSN" Us: "A social security number of the United States.";
    Email "EMAIL": "An internet mail address.";
    Mac "MAC": "An IEEE 802 hardware address (EUI-48).";
    Ip "IP": "An IPv4 or IPv6 address, with its prefix length where one is written.";
    DateOfBirth "DATE_OF_BIRTH": "A date of birth that its surroundings name as such.";
    Crypto "CRYPTO": "A wallet address of a crypto currency.";
    Uuid "UUID": "A UUID (RFC 9562) that its surroundings call somebody's.";
    AbaRoutingNumber "ABA_ROUTING_NUMBER" Us: "An ABA routing transit number of a US bank.";
    MedicalLicense "MEDICAL_LICENSE" Us: "A DEA registration number of a US prescriber.";
    UsBankNumber "US_BANK_NUMBER" Us: "A bank account number of the United States.";
    UsDriverLicense "US_DRIVER_LICENSE" Us: "A driver's licence number of a US state.";
    UsItin "US_ITIN" Us: "An individual taxpayer identification number of the United States.";
    UsMbi "US_MBI" Us: "A Medicare beneficiary identifier of the United States.";
    UsNpi "US_NPI" Us: "A national provider identifier of US health care.";
    UsPassport "US_PASSPORT" Us: "A passport number of the United States.";
    UkDrivingLicence "UK_DRIVING_LICENCE" Uk: "A driving licence number of Great Britain.";
    UkNhs "UK_NHS" Uk: "An NHS number of the United Kingdom.";
    UkNino "UK_NINO" Uk: "A National Insurance number of the United Kingdom.";
    UkPassport "UK_PASSPORT" Uk: "A passport number of the United Kingdom.";
    UkVehicleRegistration "UK_VEHICLE_REGISTRATION" Uk: "A vehicle registration mark of the United Kingdom.";
    DeBsnr "DE_BSNR" De: "A practice number (Betriebsstättennummer) of German health care.";
    DeFuehrerschein "DE_FUEHRERSCHEIN" De: "A driving licence number of Germany.";
    DeHandelsregister "DE_HANDELSREGISTER" De: "A commercial register number of Germany.";
    DeHealthInsurance "DE_HEALTH_INSURANCE" De: "A health insurance number (Krankenversichertennummer) of Germany.";
    DeIdCard "DE_ID_CARD" De: "An identity card number of Germany.";
    DeKfz "DE_KFZ" De: "A vehicle registration of Germany.";
    DeLanr "DE_LANR" De: "A physician number (Lebenslange Arztnummer) of Germany.";
    DePassport "DE_PASSPORT" De: "A passport number of Germany.";
    DeSocialSecurity "DE_SOCIAL_SECURITY" De: "A pension insurance number (Rentenversicherungsnummer) of Germany.";
    DeTaxId "DE_TAX_ID" De: "A tax identification number (Steuer-IdNr.) of Germany.";
    DeTaxNumber "DE_TAX_NUMBER" De: "A tax number (Steuernummer) of Germany.";
    DeVatId "DE_VAT_ID" De: "A VAT identification number of Germany.";
    EsNie "ES_NIE" Es: "A foreigner's identity number of Spain.";
    EsNif "ES_NIF" Es: "A tax identification number of Spain.";
    EsPassport "ES_PASSPORT" Es: "A passport number of Spain.";
    ItDriverLicense "IT_DRIVER_LICENSE" It: "A driving licence number of Italy.";
    ItFiscalCode "IT_FISCAL_CODE" It: "A fiscal code of Italy.";
    ItIdentityCard "IT_IDENTITY_CARD" It: "An identity card number of Italy.";
    ItPassport "IT_PASSPORT" It: "A passport number of Italy.";
    ItVatCode "IT_VAT_CODE" It: "A VAT number (partita IVA) of Italy.";
    PlPesel "PL_PESEL" Pl: "A PESEL number of Poland.";
    FiPersonalIdentityCode "FI_PERSONAL_IDENTITY_CODE" Fi: "A personal identity code of Finland.";
    SeOrganisationsnummer "SE_ORGANISATIONSNUMMER" Se: "An organisation number of Sweden.";
    SePersonnummer "SE_PERSONNUMMER" Se: "A personal identity number of Sweden.";
    AuAbn "AU_ABN" Au: "A business number of Australia.";
    AuAcn "AU_ACN" Au: "A company number of Australia.";
    AuMedicare "AU_MEDICARE" Au: "A Medicare number of Australia.";
    AuTfn "AU_TFN" Au: "A tax file number of Australia.";
    CaSin "CA_SIN" Ca: "A social insurance number of Canada.";
    InAadhaar "IN_AADHAAR" In: "An Aadhaar number of India.";
    InGstin "IN_GSTIN" In: "A goods and services tax number of India.";
    InPan "IN_PAN" In: "A permanent account number of India.";
    InPassport "IN_PASSPORT" In: "A passport number of India.";
    InVehicleRegistration "IN_VEHICLE_REGISTRATION" In: "A vehicle registration of India.";
    InVoter "IN_VOTER" In: "A voter card number of India.";
    KrBrn "KR_BRN" Kr: "A business registration number of South Korea.";
    KrDriverLicense "KR_DRIVER_LICENSE" Kr: "A driver's licence number of South Korea.";
    KrFrn "KR_FRN" Kr: "A foreigner registration number of South Korea.";
    KrPassport "KR_PASSPORT" Kr: "A passport number of South Korea.";
    KrRrn "KR_RRN" Kr: "A resident registration number of South Korea.";
    NgNin "NG_NIN" Ng: "A national identification number of Nigeria.";
    NgVehicleRegistration "NG_VEHICLE_REGISTRATION" Ng: "A vehicle registration of Nigeria.";
    PhTin "PH_TIN" Ph: "A taxpayer identification number of the Philippines.";
    SgNricFin "SG_NRIC_FIN" Sg: "An NRIC or FIN number of Singapore.";
    SgUen "SG_UEN" Sg: "A unique entity number of Singapore.";
    ThTnin "TH_TNIN" Th: "A national identification number of Thailand.";
    TrLicensePlate "TR_LICENSE_PLATE" Tr: "A vehicle licence plate of Turkey.";
    TrNationalId "TR_NATIONAL_ID" Tr: "A national identification number of Turkey.";
    ZaIdNumber "ZA_ID_NUMBER" Za: "An identity number of South Africa.";
    NationalId "NATIONAL_ID": "A national identity or tax number of a country that has no class of its own.";
    Phone "PHONE": "A telephone or fax number.";
    Address "ADDRESS": "A postal address, or the street line of one.";
    UkPostcode "UK_POSTCODE" Uk: "A postcode of the United Kingdom.";
    DePlz "DE_PLZ" De: "A postal code of Germany.";
    Username "USERNAME": "The name of a user's account that its surroundings name as such.";
    Person "PERSON": "The name of a person.";
    Location "LOCATION": "A place smaller than a country: a town, a district, a postal code.";
    ReferenceNumber "REFERENCE_NUMBER": "An order, customer or account number that its surroundings name as such.";
}

/// A set of recognizers for the identifiers of one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pack {
    /// The United States.
    Us,
    /// The United Kingdom.
    Uk,
    /// Germany.
    De,
    /// Spain.
    Es,
    /// Italy.
    It,
    /// Poland.
    Pl,
    /// Finland.
    Fi,
    /// Sweden.
    Se,
    /// Australia.
    Au,
    /// Canada.
    Ca,
    /// India.
    In,
    /// South Korea.
    Kr,
    /// Nigeria.
    Ng,
    /// The Philippines.
    Ph,
    /// Singapore.
    Sg,
    /// Thailand.
    Th,
    /// Turkey.
    Tr,
    /// South Africa.
    Za,
}

impl Pack {
    /// Every pack.
    pub const ALL: &'static [Pack] = &[
        Pack::Us,
        Pack::Uk,
        Pack::De,
        Pack::Es,
        Pack::It,
        Pack::Pl,
        Pack::Fi,
        Pack::Se,
        Pack::Au,
        Pack::Ca,
        Pack::In,
        Pack::Kr,
        Pack::Ng,
        Pack::Ph,
        Pack::Sg,
        Pack::Th,
        Pack::Tr,
        Pack::Za,
    ];

    /// Returns the name of the pack as it stands in policies: the ISO 3166 code of the country, `uk` for the United Kingdom.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pack::Us => "us",
            Pack::Uk => "uk",
            Pack::De => "de",
            Pack::Es => "es",
            Pack::It => "it",
            Pack::Pl => "pl",
            Pack::Fi => "fi",
            Pack::Se => "se",
            Pack::Au => "au",
            Pack::Ca => "ca",
            Pack::In => "in",
            Pack::Kr => "kr",
            Pack::Ng => "ng",
            Pack::Ph => "ph",
            Pack::Sg => "sg",
            Pack::Th => "th",
            Pack::Tr => "tr",
            Pack::Za => "za",
        }
    }
}

impl Class {
    /// Returns which of two overlapping findings wins: the lower number does.
    pub(super) const fn rank(self) -> u8 {
        self as u8
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClassSet(u128);

impl ClassSet {
    /// The set of no class.
    pub(super) const NONE: ClassSet = ClassSet(0);

    /// Returns whether the sets have a class in common.
    pub(super) const fn meets(self, other: ClassSet) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn holds(self, class: Class) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    /// Returns this set and `class`.
    pub(super) const fn with(self, class: Class) -> ClassSet {
        ClassSet(self.0 | 1 << class as u8)
    }
}

impl FromIterator<Class> for ClassSet {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(ClassSet::default(), ClassSet::with)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name given is of no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such class; docs/redaction.md lists them")]
pub struct UnknownClass;

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Class::named(name).ok_or(UnknownClass)
    }
}

impl TryFrom<String> for Class {
    type Error = UnknownClass;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Class> for &'static str {
    fn from(class: Class) -> Self {
        class.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_class() {
        for &class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("email".parse::<Class>(), Err(UnknownClass));
    }

    #[test]
    fn every_class_has_a_place_in_a_set() {
        assert!(Class::ALL.len() <= 128);
        for &class in Class::ALL {
            let alone = ClassSet::default().with(class);
            assert!(Class::ALL.iter().all(|&other| alone.holds(other) == (other == class)));
        }
    }

    #[test]
    fn every_pack_has_a_class() {
        for &pack in Pack::ALL {
            assert!(Class::ALL.iter().any(|class| class.pack() == Some(pack)), "{pack:?}");
        }
    }
}
