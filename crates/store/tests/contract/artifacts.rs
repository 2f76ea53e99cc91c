//! Files: parts, blobs, uploads, signed addresses, and what is removed of them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, Stream, TryStreamExt as _};
use keepstep_base::Digest;
use keepstep_store::artifacts::{
    Announced, Collected, CommittedUpload, Content, ContentError, FileContent, KEPT, NewUpload, NewUploadFile, Offer, PartName,
    PartOf, SignedFile, Upload,
};
use keepstep_store::results::{Begun, NewArtifact, NewCommit};
use keepstep_store::test_data::Bundle;
use keepstep_store::{Result, Scope, StoreError};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::world::{START, World};

const DAY: i64 = 24 * 60 * 60 * 1000;

type Piece = std::result::Result<bytes::Bytes, &'static str>;

/// A body that comes in pieces of a size.
fn body(bytes: &[u8], piece: usize) -> impl Stream<Item = Piece> + Unpin + use<> {
    stream::iter(bytes.chunks(piece.max(1)).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect::<Vec<_>>())
}

/// A body that breaks off.
fn cut(bytes: &[u8]) -> impl Stream<Item = Piece> + Unpin + use<> {
    stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes)), Err("gone")])
}

fn part(bytes: &[u8]) -> PartName {
    PartName { sha256: Digest::of_bytes(bytes), size: bytes.len() as u64 }
}

fn content(bytes: &[u8], part_size: usize) -> FileContent {
    let parts = bytes.chunks(part_size).map(part).collect();
    FileContent { size: bytes.len() as u64, sha256: Digest::of_bytes(bytes), parts }
}

pub(crate) fn file(name: &str, bytes: &[u8], part_size: usize) -> NewUploadFile {
    NewUploadFile { file_type: "traces".into(), name: name.into(), run_id: None, content: content(bytes, part_size) }
}

pub(crate) async fn bundle(world: &World, project: &str) -> Bundle {
    let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, project).await.unwrap();
    let file = serde_json::from_value(file).unwrap();
    let bundle = transaction.import(&world.scope, &project.id, &file).await.unwrap();
    transaction.commit().await.unwrap();
    bundle
}

pub(crate) async fn offer(world: &World, bundle: &Bundle, files: Vec<NewUploadFile>) -> Upload {
    let new = NewUpload {
        project_id: bundle.project_id.clone(),
        bundle_id: bundle.id.clone(),
        experiment_id: "exp_1".to_owned(),
        files,
    };
    offer_until(world, &new, usize::MAX).await.unwrap()
}

/// Offers in many transactions, until so many of them are done. Returns the upload if it is whole by then.
async fn offer_until(world: &World, new: &NewUpload, transactions: usize) -> Option<Upload> {
    let mut offer = Offer::of(new);
    let mut is_more = true;
    for number in 0..transactions {
        let mut transaction = world.store.write().await.unwrap();
        if number == 0 {
            transaction.begin_offer(&world.scope, &mut offer).await.unwrap();
        } else {
            is_more = transaction.offer_some(&mut offer).await.unwrap();
        }
        transaction.commit_hidden().await.unwrap();
        if !is_more {
            return Some(world.store.upload(&world.scope, offer.id()).await.unwrap());
        }
    }
    None
}

pub(crate) async fn send(world: &World, upload: &Upload, parts: &[&[u8]]) -> Result<()> {
    let names: Vec<PartName> = parts.iter().map(|bytes| part(bytes)).collect();
    receive(world, upload, &names, body(&parts.concat(), 1000)).await
}

async fn receive<E>(
    world: &World,
    upload: &Upload,
    names: &[PartName],
    body: impl Stream<Item = std::result::Result<bytes::Bytes, E>> + Unpin,
) -> Result<()> {
    let names: Vec<PartOf> = names.iter().map(|name| PartOf::Name(*name)).collect();
    let parts = world.store.offered_parts(upload, &names, 100).await?;
    world.store.receive_parts(&world.objects(), upload, &parts, body).await
}

async fn missing(world: &World, upload: &Upload) -> usize {
    world.store.missing_parts(upload).await.unwrap().len()
}

/// Ends an upload and returns the blobs of its files.
pub(crate) async fn commit(world: &World, upload: &Upload) -> Vec<String> {
    let mut transaction = world.store.write().await.unwrap();
    assert_eq!(world.store.missing_parts(upload).await.unwrap(), Vec::<String>::new());
    let files = transaction.take_files(upload, "runs", 0, 1000).await.unwrap().unwrap_or_default();
    let became = CommittedUpload { batch_id: "batch_1".to_owned(), runs: 2, failed: 1 };
    transaction.end_upload(upload, &became).await.unwrap();
    assert!(!transaction.forget_files(upload).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(world.store.upload(&world.scope, &upload.id).await.unwrap().committed, Some(became));
    files.into_iter().map(|file| file.blob_id).collect()
}

/// Makes a batch that has a file.
pub(crate) async fn attach(world: &World, bundle: &Bundle, blob: &str) {
    let details = serde_json::Map::new();
    let new = NewCommit {
        project: &bundle.project_id,
        bundle: &bundle.id,
        experiment_id: blob,
        digest: blob,
        source: blob,
        started_at: None,
        completed_at: None,
        details: &details,
    };
    let mut transaction = world.store.write().await.unwrap();
    let Begun::New(commit) = transaction.begin_commit(&world.scope, &new).await.unwrap() else { panic!("it is new") };
    let batch = transaction.finish_commit(commit).await.unwrap();
    let artifact = NewArtifact {
        run_id: None,
        artifact_type: "summary".to_owned(),
        name: "summary.json".to_owned(),
        content_type: "application/json".to_owned(),
        blob_id: blob.to_owned(),
    };
    transaction.attach_artifacts(&world.scope, &batch.batch_id, &[artifact]).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Asks for an address for a content that may be there already.
async fn name_content(world: &World, file: &SignedFile, bytes: &[u8]) -> bool {
    let mut transaction = world.store.write().await.unwrap();
    let is_there = transaction.name_content(file, &Digest::of_bytes(bytes), bytes.len() as u64).await.unwrap();
    transaction.commit().await.unwrap();
    is_there
}

async fn read(content: Content, range: Range<u64>) -> Result<Vec<u8>> {
    content.stream(range).try_fold(Vec::new(), |all, bytes| async move { Ok([all, bytes.to_vec()].concat()) }).await
}

async fn whole(world: &World, blob: &str) -> Vec<u8> {
    let (_, content) = world.store.open_blob(&world.objects(), &world.scope, blob).await.unwrap();
    read(content.clone(), 0..content.size).await.unwrap()
}

fn signed(project: &str, id: &str) -> SignedFile {
    SignedFile {
        id: id.to_owned(),
        project_id: project.to_owned(),
        run_id: "run".to_owned(),
        file_type: "summary".to_owned(),
        name: "summary.json".to_owned(),
        content_type: "application/json".to_owned(),
    }
}

fn announced(size: Option<u64>, sha256: Option<Digest>) -> Announced {
    Announced { size, sha256, part_size: 4, limit: 1000 }
}

async fn put(world: &World, file: &SignedFile, bytes: &[u8], announced: &Announced) -> Result<()> {
    world.store.receive_file(&world.objects(), file, announced, body(bytes, 3)).await
}

/// Returns the paths of all files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn stored(world: &World) -> Vec<PathBuf> {
    files(&world.folder.path().join("objects"))
}

pub(crate) async fn what_is_uploaded_comes_back_byte_for_byte(world: World) {
    let bundle = bundle(&world, "shop").await;
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let offered =
        vec![file("large", &large, 100_000), file("small", b"small", 8), file("empty", b"", 8), file("again", b"small", 8)];
    let upload = offer(&world, &bundle, offered).await;
    assert_eq!(missing(&world, &upload).await, 13);
    for pack in large.chunks(100_000).collect::<Vec<_>>().chunks(5) {
        send(&world, &upload, pack).await.unwrap();
    }
    send(&world, &upload, &[b"small"]).await.unwrap();
    let blobs = commit(&world, &upload).await;
    assert_eq!(stored(&world).len(), 4, "an object for each request");
    assert_eq!(blobs[1], blobs[3]);
    for (blob, expected) in blobs.iter().zip([large.as_slice(), b"small", b"", b"small"]) {
        assert!(whole(&world, blob).await == expected);
        let found = world.store.blob(&world.scope, blob).await.unwrap();
        // What has several parts is not read again at the end.
        assert_eq!((found.sha256, found.is_proven), (Digest::of_bytes(expected), expected.len() < 10));
    }
}

pub(crate) async fn the_same_offer_is_the_same_upload(world: World) {
    let bundle = bundle(&world, "shop").await;
    let first = offer(&world, &bundle, vec![file("a", b"abc", 8)]).await;
    assert_eq!(offer(&world, &bundle, vec![file("a", b"abc", 8)]).await, first);
    assert_ne!(offer(&world, &bundle, vec![file("b", b"abc", 8)]).await.id, first.id);
    send(&world, &first, &[b"abc"]).await.unwrap();
    commit(&world, &first).await;
    let again = offer(&world, &bundle, vec![file("a", b"abc", 8)]).await;
    assert_ne!(again.id, first.id);
    assert_eq!((again.digest, missing(&world, &again).await), (first.digest, 0));
}

/// A long list is written in many transactions; wherever that ends, the same offer goes on, and no transaction is a long one.
pub(crate) async fn an_offer_that_dies_between_any_two_transactions_goes_on(world: World) {
    let bundle = bundle(&world, "shop").await;
    let files: Vec<NewUploadFile> =
        (0..700).map(|number: u32| file(&format!("{number}"), format!("{number} abcdefgh").as_bytes(), 8)).collect();
    let new = |name: &str| NewUpload {
        project_id: bundle.project_id.clone(),
        bundle_id: bundle.id.clone(),
        experiment_id: name.to_owned(),
        files: files.clone(),
    };
    let whole = new("whole");
    let reference = offer_until(&world, &whole, usize::MAX).await.unwrap();
    let wanted = world.store.missing_parts(&reference).await.unwrap();
    assert_eq!(wanted.len(), 703, "700 first parts, and three second ones");
    let mut transactions = 0;
    loop {
        let new = new(&format!("dies after {transactions}"));
        let before = world.rows(&["upload_files", "upload_parts"]).await;
        if offer_until(&world, &new, transactions).await.is_some() {
            break;
        }
        let after = world.rows(&["upload_files", "upload_parts"]).await;
        let written = after[0] - before[0] + after[1] - before[1];
        assert!(written <= i64::try_from(transactions).unwrap() * 503, "{written} rows in {transactions} transactions");
        let upload = offer_until(&world, &new, usize::MAX).await.unwrap();
        assert_eq!(world.store.missing_parts(&upload).await.unwrap(), wanted, "after {transactions}");
        let whole = world.rows(&["upload_files", "upload_parts"]).await;
        assert_eq!([whole[0] - before[0], whole[1] - before[1]], [700, 1400], "after {transactions}");
        transactions += 1;
    }
    assert!(transactions > 4, "{transactions}");
}

pub(crate) async fn a_body_that_is_not_what_it_says_leaves_nothing_behind(world: World) {
    let bundle = bundle(&world, "shop").await;
    let upload = offer(&world, &bundle, vec![file("a", b"abcdefgh", 4)]).await;
    let names = [part(b"abcd"), part(b"efgh")];
    let mut shown = String::new();
    for (names, body) in [
        (&names[..], body(b"abcdefgX", 3)),
        (&names[..], body(b"abcdefg", 3)),
        (&names[..], body(b"abcdefghi", 3)),
        (&names[..], body(b"efghabcd", 3)),
        (&[part(b"wxyz")], body(b"wxyz", 3)),
        (&[PartName { size: 3, ..names[0] }], body(b"abc", 3)),
    ] {
        let error = receive(&world, &upload, names, body).await.unwrap_err();
        shown += &format!("{error}\n");
    }
    shown += &receive(&world, &upload, &names, cut(b"abcdef")).await.unwrap_err().to_string();
    insta::assert_snapshot!(shown, @"
    a part has the SHA-256 74ffb4acf67d48a874a743aaa3fd7b485e636a9b3ddf2496bd74fec7dd88c363, not e5e088a0b66163a0a26a5e053d2a4496dc16ab6e0e3dd1adf2d16aa84a078c9d; nothing of this body is kept
    the body was cut off after 7 bytes; nothing of it is kept
    the body is longer than the 8 bytes that were announced; nothing of it is kept
    a part has the SHA-256 e5e088a0b66163a0a26a5e053d2a4496dc16ab6e0e3dd1adf2d16aa84a078c9d, not 88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589; nothing of this body is kept
    the upload does not have a part 17f488f768db8fbe7a408a9469203c61e03b5fe43214b95a00e7c0c52d2fd933 of 4 bytes
    the upload does not have a part 88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589 of 3 bytes
    the body was cut off after 6 bytes; nothing of it is kept
    ");
    assert_eq!((missing(&world, &upload).await, stored(&world)), (2, vec![]));
}

pub(crate) async fn another_project_can_neither_see_nor_use_a_part(world: World) {
    let (mine, theirs) = (bundle(&world, "mine").await, bundle(&world, "theirs").await);
    let secret = b"the content of another project";
    let upload = offer(&world, &theirs, vec![file("a", secret, 100)]).await;
    send(&world, &upload, &[secret]).await.unwrap();
    let blobs = commit(&world, &upload).await;
    let probe = offer(&world, &mine, vec![file("a", secret, 100)]).await;
    assert_eq!(missing(&world, &probe).await, 1);
    assert!(!name_content(&world, &signed(&mine.project_id, "mine"), secret).await);
    let outside = Scope::of(&world.scope.org_id, Some(mine.project_id.clone()));
    assert!(matches!(world.store.blob(&outside, &blobs[0]).await, Err(StoreError::BlobNotFound(_))));
    assert!(matches!(world.store.upload(&outside, &upload.id).await, Err(StoreError::UploadNotFound(_))));
    // To have it, one has to bring it.
    send(&world, &probe, &[secret]).await.unwrap();
    assert_ne!(commit(&world, &probe).await, blobs);
    assert_eq!(stored(&world).len(), 2);
}

pub(crate) async fn parts_may_come_twice_in_any_order_and_at_once(world: World) {
    let bundle = bundle(&world, "shop").await;
    let upload = offer(&world, &bundle, vec![file("a", b"abcdefghij", 4)]).await;
    send(&world, &upload, &[b"ij", b"abcd"]).await.unwrap();
    let sends = (0..6).map(|_| send(&world, &upload, &[b"abcd", b"efgh", b"abcd"]));
    for sent in futures_util::future::join_all(sends).await {
        sent.unwrap();
    }
    // Who came too late with everything has left no object behind.
    assert_eq!(stored(&world).len(), 2);
    assert_eq!(whole(&world, &commit(&world, &upload).await[0]).await, b"abcdefghij");
}

pub(crate) async fn equal_content_is_stored_once(world: World) {
    let bundle = bundle(&world, "shop").await;
    let file_of_peer = signed(&bundle.project_id, "file_1");
    put(&world, &file_of_peer, b"abcdefghij", &announced(None, None)).await.unwrap();
    let upload = offer(&world, &bundle, vec![file("a", b"abcdefghij", 4)]).await;
    assert_eq!(missing(&world, &upload).await, 0);
    let blobs = commit(&world, &upload).await;
    let url = file_of_peer.storage_url();
    let found = world.store.blob_of_storage_url(&world.scope, "run", "summary", &url).await.unwrap().unwrap();
    assert_eq!(vec![found.blob_id], blobs);
    assert_eq!((found.name.as_str(), stored(&world).len()), ("summary.json", 1));
}

pub(crate) async fn f13_a_signed_address_takes_one_content_once(world: World) {
    let bundle = bundle(&world, "shop").await;
    let file = signed(&bundle.project_id, "file_1");
    let any = announced(None, None);
    let found = async |run: &str, file_type: &str, url: &str| {
        world.store.blob_of_storage_url(&world.scope, run, file_type, url).await.unwrap()
    };
    assert_eq!(found("run", "summary", &file.storage_url()).await, None);
    put(&world, &file, b"one content", &any).await.unwrap();
    let first = found("run", "summary", &file.storage_url()).await.unwrap();
    // The client did not hear the answer and sends it once more.
    put(&world, &file, b"one content", &any).await.unwrap();
    let error = put(&world, &file, b"another", &any).await.unwrap_err();
    assert!(matches!(error, StoreError::Content(ContentError::AddressUsed)), "{error}");
    assert_eq!((found("run", "summary", &file.storage_url()).await, stored(&world).len()), (Some(first.clone()), 1));
    assert_eq!(whole(&world, &first.blob_id).await, b"one content");
    // It is for that run, that type and that project only, and nothing else is one.
    assert_eq!(found("other", "summary", &file.storage_url()).await, None);
    assert_eq!(found("run", "traces", &file.storage_url()).await, None);
    assert_eq!(found("run", "summary", "s3://bucket/file_1").await, None);
    let outside = Scope::of(&world.scope.org_id, Some("project_other".to_owned()));
    assert_eq!(world.store.blob_of_storage_url(&outside, "run", "summary", &file.storage_url()).await.unwrap(), None);
    // Nothing is something, too.
    let empty = signed(&bundle.project_id, "file_2");
    put(&world, &empty, b"", &any).await.unwrap();
    let blob = found("run", "summary", &empty.storage_url()).await.unwrap().blob_id;
    assert_eq!((whole(&world, &blob).await, stored(&world).len()), (Vec::new(), 1));
}

pub(crate) async fn a_body_that_breaks_its_promise_is_not_stored(world: World) {
    let bundle = bundle(&world, "shop").await;
    let file = signed(&bundle.project_id, "file_1");
    let mut shown = String::new();
    for promise in
        [announced(Some(4), None), announced(None, Some(Digest::of_bytes(b"x"))), Announced { limit: 4, ..announced(None, None) }]
    {
        shown += &format!("{}\n", put(&world, &file, b"abcde", &promise).await.unwrap_err());
    }
    let any = announced(None, None);
    shown += &world.store.receive_file(&world.objects(), &file, &any, cut(b"abcde")).await.unwrap_err().to_string();
    insta::assert_snapshot!(shown, @"
    the body has 5 bytes, not 4; nothing of it is kept
    the body has the SHA-256 36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c, not 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881; nothing of this body is kept
    the body is larger than the limit of 4 bytes; nothing of it is kept
    the body was cut off after 5 bytes; nothing of it is kept
    ");
    assert_eq!(stored(&world), Vec::<PathBuf>::new());
    assert_eq!(world.store.blob_of_storage_url(&world.scope, "run", "summary", &file.storage_url()).await.unwrap(), None);
    put(&world, &file, b"abcde", &announced(Some(5), Some(Digest::of_bytes(b"abcde")))).await.unwrap();
}

pub(crate) async fn what_nobody_finishes_is_collected_after_a_week(world: World) {
    let bundle = bundle(&world, "shop").await;
    let kept = offer(&world, &bundle, vec![file("kept", b"kept", 8)]).await;
    send(&world, &kept, &[b"kept"]).await.unwrap();
    let blobs = commit(&world, &kept).await;
    attach(&world, &bundle, &blobs[0]).await;
    let left = offer(&world, &bundle, vec![file("left", b"leftmore", 4)]).await;
    send(&world, &left, &[b"left"]).await.unwrap();
    world.set_clock(START + KEPT - 1);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap(), Collected::default());
    // Another offer relies on the part: it stays, whatever becomes of the first one.
    let other = offer(&world, &bundle, vec![file("other", b"left", 4)]).await;
    assert_eq!(missing(&world, &other).await, 0);
    world.set_clock(START + KEPT);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap(), Collected { uploads: 2, ..Collected::default() });
    assert!(matches!(world.store.upload(&world.scope, &left.id).await, Err(StoreError::UploadNotFound(_))));
    assert_eq!(missing(&world, &other).await, 0);
    world.set_clock(START + 2 * KEPT);
    assert_eq!(
        world.store.collect(&world.objects()).await.unwrap(),
        Collected { uploads: 1, parts: 1, objects: 1, ..Collected::default() }
    );
    assert_eq!(whole(&world, &blobs[0]).await, b"kept");
    // It can be sent again.
    let again = offer(&world, &bundle, vec![file("left", b"leftmore", 4)]).await;
    assert_eq!(missing(&world, &again).await, 2);
    send(&world, &again, &[b"left", b"more"]).await.unwrap();
    assert_eq!(whole(&world, &commit(&world, &again).await[0]).await, b"leftmore");
}

pub(crate) async fn what_was_put_and_never_attached_is_collected_after_a_week(world: World) {
    let bundle = bundle(&world, "shop").await;
    let project = &bundle.project_id;
    let put = async |id: &str, bytes: &[u8]| {
        let file = signed(project, id);
        super::artifacts::put(&world, &file, bytes, &announced(None, None)).await.unwrap();
        file
    };
    let blob_of = async |file: &SignedFile| {
        let url = file.storage_url();
        world.store.blob_of_storage_url(&world.scope, "run", "summary", &url).await.unwrap().map(|found| found.blob_id)
    };
    // One that a batch takes, one that nobody takes, and one that shares its second part with the first.
    let (taken, left) = (put("taken", b"abcdefgh").await, put("left", b"12345678").await);
    let sharing = put("sharing", b"wxyzefgh").await;
    let asked_again = put("asked", b"asked").await;
    let blob = blob_of(&taken).await.unwrap();
    attach(&world, &bundle, &blob).await;
    assert_eq!(stored(&world).len(), 4);

    world.set_clock(START + KEPT - 1);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap(), Collected::default());
    // Somebody else is about to send one of them, and is told that it is there.
    let other = signed(project, "other");
    assert!(name_content(&world, &other, b"asked").await);

    world.set_clock(START + KEPT);
    let collected = world.store.collect(&world.objects()).await.unwrap();
    assert_eq!(collected, Collected { blobs: 2, parts: 3, objects: 2, ..Collected::default() });
    assert_eq!((blob_of(&left).await, blob_of(&sharing).await), (None, None), "what is gone is not offered to anybody");
    assert!(!name_content(&world, &signed(project, "late"), b"12345678").await);
    assert_eq!(whole(&world, &blob).await, b"abcdefgh");
    let promised = blob_of(&other).await.unwrap();
    assert_eq!(blob_of(&asked_again).await.as_deref(), Some(promised.as_str()));
    attach(&world, &bundle, &promised).await;
    // It can be put again.
    let again = put("again", b"12345678").await;
    assert_eq!(whole(&world, &blob_of(&again).await.unwrap()).await, b"12345678");

    world.set_clock(START + 3 * KEPT);
    let collected = world.store.collect(&world.objects()).await.unwrap();
    assert_eq!(collected, Collected { blobs: 1, parts: 2, objects: 1, ..Collected::default() });
    assert_eq!(whole(&world, &promised).await, b"asked", "what a batch has stays for ever");
    assert_eq!(whole(&world, &blob).await, b"abcdefgh");
}

pub(crate) async fn what_is_collected_while_others_put_it_again_is_whole(world: World) {
    let bundle = bundle(&world, "shop").await;
    // All of it was long ago: the times of files are those of the machine, and none of them may look old.
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let begin = i64::try_from(now).unwrap() - 42 * KEPT;
    for round in 0..20 {
        world.set_clock(begin + round * 2 * KEPT);
        let bytes = b"the same content each time";
        let first = signed(&bundle.project_id, &format!("first{round}"));
        put(&world, &first, bytes, &announced(None, None)).await.unwrap();
        world.set_clock(begin + round * 2 * KEPT + KEPT);
        let second = signed(&bundle.project_id, &format!("second{round}"));
        let (announced, objects) = (announced(None, None), world.objects());
        let (collected, put) = tokio::join!(world.store.collect(&objects), put(&world, &second, bytes, &announced));
        collected.unwrap();
        put.unwrap();
        let found = world.store.blob_of_storage_url(&world.scope, "run", "summary", &second.storage_url()).await.unwrap();
        assert_eq!(whole(&world, &found.unwrap().blob_id).await, bytes, "round {round}");
    }
}

pub(crate) async fn what_a_crash_left_behind_is_collected(world: World) {
    let bundle = bundle(&world, "shop").await;
    let upload = offer(&world, &bundle, vec![file("a", b"abcd", 4)]).await;
    send(&world, &upload, &[b"abcd"]).await.unwrap();
    let object = stored(&world).remove(0);
    // An object whose row was never written, and one that was being written.
    let (orphan, torn) = (object.with_file_name("orphan"), object.with_file_name("torn#1"));
    let foreign = world.folder.path().join("objects/README");
    for path in [&orphan, &torn, &foreign] {
        fs::write(path, "left").unwrap();
    }
    let time = |time: i64| SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(time).unwrap());
    let touch = |at: i64| {
        for path in [&orphan, &torn, &foreign, &object] {
            fs::File::options().write(true).open(path).unwrap().set_modified(time(at)).unwrap();
        }
    };
    touch(START - DAY + 1000);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap().objects, 0);
    touch(START - DAY - 1000);
    assert_eq!(world.store.collect(&world.objects()).await.unwrap(), Collected { objects: 2, ..Collected::default() });
    assert_eq!((orphan.exists(), torn.exists(), foreign.exists()), (false, false, true));
    assert_eq!(whole(&world, &commit(&world, &upload).await[0]).await, b"abcd");
}

pub(crate) async fn a_place_that_fails_stores_nothing(world: World) {
    let bundle = bundle(&world, "shop").await;
    let upload = offer(&world, &bundle, vec![file("a", b"abcd", 4)]).await;
    // The folder of the objects is made when they are opened; where one in it should be there is a file.
    world.objects();
    let place = world.folder.path().join("objects/parts");
    fs::write(&place, "").unwrap();
    let error = receive(&world, &upload, &[part(b"abcd")], body(b"abcd", 3)).await.unwrap_err();
    insta::assert_snapshot!(error, @"the disk with the data failed; nothing was written");
    assert_eq!(missing(&world, &upload).await, 1);
    fs::remove_file(&place).unwrap();
    send(&world, &upload, &[b"abcd"]).await.unwrap();
    assert_eq!(missing(&world, &upload).await, 0);
}

pub(crate) async fn any_range_of_any_content_comes_back(world: World) {
    let bundle = bundle(&world, "shop").await;
    let mut runner = TestRunner::deterministic();
    let strategy = (prop::collection::vec(any::<u8>(), 0..200), 1..40_usize, 1..6_usize, 0..220_u64, 0..220_u64);
    for _ in 0..40 {
        let (bytes, part_size, in_pack, from, to) = strategy.new_tree(&mut runner).unwrap().current();
        let upload = offer(&world, &bundle, vec![file("a", &bytes, part_size)]).await;
        let parts: Vec<&[u8]> = bytes.chunks(part_size).collect();
        for pack in parts.chunks(in_pack).rev() {
            send(&world, &upload, pack).await.unwrap();
        }
        let blob = commit(&world, &upload).await.remove(0);
        let (_, content) = world.store.open_blob(&world.objects(), &world.scope, &blob).await.unwrap();
        let expected: Vec<u8> = bytes.iter().copied().take(to as usize).skip(from as usize).collect();
        assert_eq!(read(content, from..to).await.unwrap(), expected);
        assert_eq!(whole(&world, &blob).await, bytes);
    }
}
