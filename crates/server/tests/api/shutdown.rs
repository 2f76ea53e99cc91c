//! The end of a server: running requests are finished.

use keepstep_platform::Settings;
use keepstep_server::serve;
use keepstep_store::{NewAgent, NewKey, Role, Scope, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[tokio::test]
async fn a_running_write_is_finished_and_streams_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keepstep.db");
    let store = Store::open(&path).await.unwrap();
    let mut transaction = store.write().await.unwrap();
    let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
    let agent = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap().agent.id;
    let new = NewKey { name: "k", role: Role::Owner, scope: &scope, expires_at: None };
    let key = transaction.create_key(new).await.unwrap().0.reveal().to_owned();
    transaction.commit().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, None, store, Settings::default(), keepstep_dashboard::pages, async {
        let _ = stopped.await;
    }));

    let mut events = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
    events.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 15];
    events.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");

    let body = "{\"persona\":\"late\"}";
    let head = format!(
        "POST /developer/agents/{agent}/persona/version HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut writing = TcpStream::connect(address).await.unwrap();
    writing.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: the request runs.
    let mut interim = [0; 25];
    writing.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    stop.send(()).unwrap();
    // The stream ends, so the shutdown has begun; the write is still answered.
    let mut rest = Vec::new();
    events.read_to_end(&mut rest).await.unwrap();
    writing.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    writing.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());

    let store = Store::open(&path).await.unwrap();
    let state = store.agent_state(&scope, &agent).await.unwrap();
    assert_eq!(state.published.unwrap().persona, serde_json::json!("late"));
}
