//! Replays `tests/golden/records-v1.json`, which an independent implementation made: what a sealed record says, and what
//! the log commits to.

use data_encoding::HEXLOWER;
use serde_json::Value;
use subrosa::audit::commitment;
use subrosa::domain::Record;

#[test]
fn every_record_is_written_as_it_was() {
    let golden: Value = serde_json::from_str(include_str!("../golden/records-v1.json")).unwrap();
    let vectors = golden["canonical_records"].as_array().unwrap();
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let bytes = |field: &str| HEXLOWER.decode(vector[field].as_str().unwrap().as_bytes()).unwrap();
        let name = &vector["name"];
        let record: Record = serde_json::from_slice(&bytes("canonical")).unwrap();
        assert_eq!(record.canonical().unwrap(), bytes("canonical"), "{name}");
        assert_eq!(record.committed(&bytes("canonical")).unwrap(), bytes("committed"), "{name}");
        let opening = bytes("opening").try_into().unwrap();
        assert_eq!(commitment(&opening, &bytes("committed")).to_vec(), bytes("commitment"), "{name}");
        // Who holds what was committed to can read it without the file.
        let known: Record = serde_json::from_slice(&bytes("committed")).unwrap();
        assert_eq!(known.canonical().unwrap(), bytes("committed"), "{name}");
    }
}
