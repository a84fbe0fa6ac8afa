//! The names tier in a running vault: with the model nothing of a name lands, without it nothing lands at all.

use std::path::PathBuf;
use std::time::Duration;

use subrosa_proto::v1;
use tonic::Code;

use crate::canary::hits;
use crate::support::{House, TENANT, refused, said, text_of, uuid};

/// Returns the file of the model, where `models/fetch` puts it: beside the folder of this build.
fn model() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let mut places = program.ancestors().map(|above| above.join("models/rampart-1.4.0/model_q4.onnx"));
    places.find(|path| path.exists()).expect("the names model is not there: run models/fetch")
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_addresses_never_land_where_the_model_is_required() {
    let mut house = House::with_names(&model()).await;
    let name = house.bot().create().await;
    let texts = ["please tell Zebulon Quillfeather", "i live at 4719 Larkspur Terrace, Boise", "hi im zebulon"];
    house.bot().append(&name, texts.iter().map(|text| said(text)).collect()).await.unwrap();
    let preview =
        v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![said("ask Zebulon Quillfeather")] };
    house.bot().ingest().preview_redaction(preview).await.unwrap();
    let records = house.reader().read(&name).await.unwrap();
    let shown = records.iter().map(text_of).collect::<Vec<_>>().join("\n");
    assert!(shown.contains("<PERSON_") && shown.contains("<ADDRESS_"), "{shown}");
    house.stop().await;
    let values = ["Zebulon", "zebulon", "Quillfeather", "Larkspur"].map(str::to_owned);
    assert!(values.iter().all(|value| !shown.contains(value.as_str())), "{shown}");
    assert_eq!(hits(house.dir.path(), &values), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_required_model_nothing_is_stored_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("model_q4.onnx");
    let house = House::with_names(&late).await;
    let tried = house.bot().create_as(v1::Conversation { bot: "a".into(), ..Default::default() }).await.map(drop);
    refused(tried, Code::Unavailable, "REDACTOR_UNAVAILABLE");
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![said("Jane")] };
    let tried = house.bot().ingest().preview_redaction(preview).await.map(drop);
    refused(tried, Code::Unavailable, "REDACTOR_UNAVAILABLE");
    assert_eq!(down(&house).await, ["redactor"]);
    std::fs::write(&late, b"no model").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(down(&house).await, ["redactor"], "other bytes are taken for the model");
    std::fs::copy(model().with_file_name("vocab.txt"), folder.path().join("vocab.txt")).unwrap();
    std::fs::copy(model(), &late).unwrap();
    // The vault looks each second; a busy machine may take a while over it.
    for _ in 0..240 {
        if down(&house).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let name = house.bot().create().await;
    house.bot().append_with(&name, &uuid(), vec![said("I am Jane Doe")]).await.unwrap();
}

/// Returns the parts of the vault that do not work.
async fn down(house: &House) -> Vec<String> {
    let answer = house.role("operator").admin().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    let parts = answer.status.unwrap().components.into_iter();
    parts.filter(|part| !part.healthy).map(|part| part.name).collect()
}
