//! One request and its answer: connections, tries, redirects, limits, and what an answer means.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use keepstep_api::error::{ErrorBody, ErrorCode};
use keepstep_api::{API_HEADER, API_NUMBER, VERSION_HEADER};
use keepstep_base::Revision;
use keepstep_base::api_key::{KeyForm, form_of};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::connection::{builder, cause, reason_of};
use crate::error::{ClientError, KeyProblem};
use crate::options::Options;
use crate::retry::{Failure, retry_after, server_time};
use crate::target::{KeyOrigin, Target, Withheld, display_url, is_loopback, is_this_machine};
use crate::text::{as_hint, page_title, visible};

/// How much of a body that goes into a sink is kept for messages about it.
const BEGINNING: usize = 4096;

/// How far back packed answers may refer, as a power of two: 8 MiB, the most that is meant for HTTP.
const WINDOW: u32 = 23;

/// How many redirects are followed on the same server.
const MOST_REDIRECTS: usize = 3;

/// The largest refusal that is read. What is longer is no sentence for anybody.
const REFUSAL_LIMIT: usize = 1024 * 1024;

/// An answer may come slowly, but not slower than this, in bytes a second, once it had [`HEAD_START`]: so it ends.
const SLOWEST: u64 = 4 * 1024;

/// For so long no answer is too slow.
const HEAD_START: u32 = 2;

/// The slowest network that a file is sent over, in bytes a second: so long silence may last, since the server hears us all the while.
const SLOWEST_SENDING: u64 = 64 * 1024;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    /// From the platform's address on, with a slash at its beginning and the ids in it percent-encoded.
    path: String,
    headers: HeaderMap,
    body: Option<Value>,
    /// A body that is no JSON.
    bytes: Option<Bytes>,
    /// How many times as long as usual the server may think before it answers.
    patience: u32,
    /// True if doing it twice is the same as doing it once.
    may_repeat: bool,
    needs_key: bool,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: HeaderMap::new(),
            body: None,
            bytes: None,
            patience: 1,
            may_repeat: true,
            needs_key: true,
        }
    }

    /// A write. It is repeated only if [`Call::once`] makes that harmless.
    pub(crate) fn write(method: Method, path: String, body: Value) -> Self {
        Self {
            method,
            path,
            headers: HeaderMap::new(),
            body: Some(body),
            bytes: None,
            patience: 1,
            may_repeat: false,
            needs_key: true,
        }
    }

    /// A write whose body is no JSON.
    pub(crate) fn bytes(method: Method, path: String, body: Bytes) -> Self {
        let mut call = Self::get(path);
        (call.method, call.bytes, call.may_repeat) = (method, Some(body), false);
        call.with(CONTENT_TYPE, "application/octet-stream")
    }

    /// Says that the server has much to do before it can answer.
    pub(crate) fn patient(mut self) -> Self {
        self.patience = 4;
        self
    }

    /// Makes a repeated write the same write: all tries carry the same random key under this header's name.
    pub(crate) fn once(mut self, header: HeaderName) -> Self {
        self.may_repeat = true;
        let key = uuid::Uuid::new_v4().to_string();
        self.with(header, &key)
    }

    /// Says that doing it twice is the same as doing it once, by its nature.
    pub(crate) fn harmless(mut self) -> Self {
        self.may_repeat = true;
        self
    }

    pub(crate) fn with(mut self, header: HeaderName, value: &str) -> Self {
        // Our own values are plain ASCII; another one would be left out and missed by the server.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(header, value);
        }
        self
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.needs_key = false;
        self
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct WholeResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl WholeResponse {
    /// Returns true if a keepstep server wrote it.
    pub(crate) fn is_ours(&self) -> bool {
        self.headers.contains_key(API_HEADER)
    }

    /// Returns the version of the server's program.
    pub(crate) fn server_version(&self) -> Option<String> {
        self.headers.get(VERSION_HEADER).map(|value| visible(&String::from_utf8_lossy(value.as_bytes())))
    }

    /// Returns what the server's clock said, in epoch seconds.
    pub(crate) fn time(&self) -> Option<i64> {
        server_time(&self.headers)
    }

    fn content_type(&self) -> Option<String> {
        let value = String::from_utf8_lossy(self.headers.get(CONTENT_TYPE)?.as_bytes()).into_owned();
        Some(visible(value.split(';').next().unwrap_or_default()))
    }

    fn claims_json(&self) -> bool {
        self.content_type().is_some_and(|kind| kind.ends_with("json"))
    }

    /// Returns the body as JSON, if it is any.
    pub(crate) fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Takes the body of a successful answer while it arrives, packed with zstd if that was asked for and the server did so: its first four
/// bytes say that, which no JSON begins with.
pub trait Sink: Send {
    /// Forgets what came: a body begins, perhaps once more.
    fn begin(&mut self);

    /// Takes the next bytes.
    ///
    /// # Errors
    /// More of them are of no use.
    fn take(&mut self, bytes: &[u8]) -> Result<(), SinkError>;

    /// Says that this was all.
    ///
    /// # Errors
    /// It cannot have been.
    fn end(&mut self) -> Result<(), SinkError>;
}

/// Why a sink does not take more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkError {
    /// It is not what was asked for.
    NotJson,
    /// It ended too early.
    Unfinished,
    /// It cannot be kept, with the reason as the end of a sentence.
    NotKept(String),
    /// It cannot be unpacked, with the reason as the end of a sentence.
    NotUnpacked(String),
}

/// Where a platform wants something to be put.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// The address.
    pub(crate) url: String,
    /// What the request has to carry.
    pub(crate) headers: BTreeMap<String, String>,
    /// The length of the body.
    pub(crate) size: u64,
}

/// A connection to one platform.
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
    server: String,
    key: Option<(HeaderValue, KeyOrigin)>,
    /// What is wrong with the key before anything is sent.
    problem: Option<KeyProblem>,
    origin: Option<KeyOrigin>,
    withheld: Vec<Withheld>,
    options: Options,
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transport").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        let server = target.server();
        let setup = |reason: String| ClientError::Setup { server: server.clone(), reason };
        let client = builder(&target.url, options).map_err(setup)?.build().map_err(|error| setup(reason_of(&error)))?;
        let key = target.key.as_ref().map(|key| (bearer(key.secret.reveal()), key.origin.clone()));
        let (key, problem) = match key {
            None => (None, Some(KeyProblem::Missing)),
            Some((None, _)) => (None, Some(KeyProblem::Malformed)),
            Some((Some(header), origin)) => (Some((header, origin)), None),
        };
        Ok(Self {
            client,
            base: target.url.clone(),
            server,
            key,
            problem,
            origin: target.key.as_ref().map(|key| key.origin.clone()),
            withheld: target.withheld.clone(),
            options: options.clone(),
        })
    }

    /// Returns the server as it is shown.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Sends a request, again where that is harmless and may help, and returns the answer whatever its status is.
    pub(crate) async fn send(&self, call: &Call) -> Result<WholeResponse, ClientError> {
        self.send_into(call, None).await
    }

    /// The same, with the body of a successful answer going into a sink; of that the answer has only the beginning.
    pub(crate) async fn send_into(&self, call: &Call, mut sink: Option<&mut dyn Sink>) -> Result<WholeResponse, ClientError> {
        if call.needs_key
            && let Some(problem) = self.problem
        {
            return Err(self.not_signed_in(problem, None));
        }
        let pace = &self.options.pace;
        let start = pace.elapsed();
        let mut tries = 0;
        loop {
            tries += 1;
            let (failure, error) = match self.attempt(call, again(&mut sink)).await {
                Ok(answer) => match self.busy(&answer) {
                    Some(busy) => busy,
                    None => return Ok(answer),
                },
                Err((Some(failure), error)) => (failure, error),
                Err((None, error)) => return Err(error),
            };
            let spent = pace.elapsed().saturating_sub(start);
            // A connection that was never made carried nothing, so that even a write may try again.
            let may_repeat = call.may_repeat || failure == Failure::Silence;
            match self.options.policy.wait(failure, tries, spent, pace.chance()) {
                Some(wait) if may_repeat => pace.sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    /// Sends a request and reads a successful answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call, what: &str) -> Result<T, ClientError> {
        let answer = self.send(call).await?;
        self.read(&answer, what)
    }

    fn refused_by_sink(&self, error: SinkError, answer: &WholeResponse) -> ClientError {
        match error {
            SinkError::NotJson => self.not_ours(answer),
            SinkError::Unfinished => self.unfinished(answer),
            SinkError::NotKept(reason) => ClientError::NotKept { server: self.server.clone(), reason },
            SinkError::NotUnpacked(reason) => ClientError::NotUnpacked { server: self.server.clone(), reason },
        }
    }

    /// Returns the error for a successful answer whose body ended too early.
    fn unfinished(&self, answer: &WholeResponse) -> ClientError {
        if answer.claims_json() { self.cut() } else { self.not_ours(answer) }
    }

    /// Reads a successful answer. `what` is the thing that a 404 is about.
    pub(crate) fn read<T: DeserializeOwned>(&self, answer: &WholeResponse, what: &str) -> Result<T, ClientError> {
        if !answer.status.is_success() {
            return Err(self.refusal(answer, what));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| if error.is_eof() { self.unfinished(answer) } else { self.not_ours(answer) })
    }

    /// Puts something where the platform said, which may be another server: it gets no key.
    ///
    /// # Errors
    /// It is not there, and how that is to be retried, if that may help.
    pub(crate) async fn put_elsewhere(
        &self,
        place: &Elsewhere,
        body: reqwest::Body,
    ) -> Result<(), (Option<Failure>, ClientError)> {
        let not_an_address = || (None, self.refused(200, "it names no address to upload to".to_owned()));
        let url = Url::parse(&place.url).map_err(|_| not_an_address())?;
        // A server elsewhere has no business on this machine, whichever way it writes its address.
        let is_inward = !is_loopback(&self.base) && (is_loopback(&url) || leads_here(&url).await);
        if !matches!(url.scheme(), "http" | "https") || is_inward || url.scheme() < self.base.scheme() {
            return Err(not_an_address());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &place.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        headers.insert(CONTENT_LENGTH, place.size.into());
        let request = self.client.put(url).headers(headers).body(body);
        let limit = self.options.silence + sending(place.size);
        let response = self.wait_for(limit, request.send()).await?.map_err(|error| self.network(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            return Ok(());
        }
        let body = self.refused_body(response).await;
        let answer = WholeResponse { status, headers, body };
        match self.busy(&answer) {
            Some((failure, error)) => Err((Some(failure), error)),
            None => {
                let message = self.message(&answer).unwrap_or_else(|| format!("status {} for a file", status.as_u16()));
                Err((None, self.refused(status.as_u16(), message)))
            }
        }
    }

    fn refused(&self, status: u16, message: String) -> ClientError {
        ClientError::Refused { server: self.server.clone(), status, code: None, message, hint: None }
    }

    /// Returns the time for [`Transport::pause`].
    pub(crate) fn elapsed(&self) -> Duration {
        self.options.pace.elapsed()
    }

    /// Waits before another try of something that began at `start`, or returns false to give up.
    pub(crate) async fn pause(&self, failure: Failure, tries: u32, start: Duration) -> bool {
        let pace = &self.options.pace;
        let spent = pace.elapsed().saturating_sub(start);
        match self.options.policy.wait(failure, tries, spent, pace.chance()) {
            None => false,
            Some(wait) => {
                pace.sleep(wait).await;
                true
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        mut sink: Option<&mut dyn Sink>,
    ) -> Result<WholeResponse, (Option<Failure>, ClientError)> {
        let address = format!("{}{}", display_url(&self.base), call.path);
        let mut url = Url::parse(&address)
            .map_err(|error| (None, ClientError::Setup { server: self.server.clone(), reason: error.to_string() }))?;
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.exchange(call, &url, again(&mut sink)).await?;
            let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
            let Some(location) = location.filter(|_| is_redirect(answer.status)) else { return Ok(answer) };
            let next = url.join(location).map_err(|_| (None, self.not_ours(&answer)))?;
            if next.origin() != url.origin() || call.method != Method::GET {
                return Err((None, self.elsewhere(&next)));
            }
            url = next;
        }
        Err((None, ClientError::Unreachable { server: self.server.clone(), reason: "it redirects in a circle".to_owned() }))
    }

    async fn exchange(
        &self,
        call: &Call,
        url: &Url,
        sink: Option<&mut dyn Sink>,
    ) -> Result<WholeResponse, (Option<Failure>, ClientError)> {
        let mut request = self.client.request(call.method.clone(), url.clone()).headers(call.headers.clone());
        request = request.header(ACCEPT, "application/json");
        if let Some((key, _)) = self.key.as_ref().filter(|_| call.needs_key) {
            request = request.header(AUTHORIZATION, key.clone());
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(bytes) = &call.bytes {
            request = request.body(bytes.clone());
        }
        let length = call.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let limit = self.options.silence * call.patience + sending(length);
        let mut response = self.wait_for(limit, request.send()).await?.map_err(|error| self.network(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.check_number(&headers).map_err(|error| (None, error))?;
        let mut sink = sink.filter(|_| status.is_success());
        let encoding = encoding(&headers);
        if let Some(sink) = &mut sink {
            if let Some(other) = encoding.as_ref().filter(|encoding| *encoding != "zstd") {
                let reason = format!("its encoding is {other}, which was not requested");
                return Err((None, ClientError::NotUnpacked { server: self.server.clone(), reason }));
            }
            sink.begin();
        }
        // What is packed says nothing to people.
        let beginning = if encoding.is_none() { BEGINNING } else { 0 };
        let mut answer = WholeResponse { status, headers, body: Vec::new() };
        if !status.is_success() {
            answer.body = self.refused_body(response).await;
            if let Some(body) = encoding.filter(|encoding| encoding == "zstd").and_then(|_| unpacked(&answer.body, REFUSAL_LIMIT))
            {
                // Something between here and the platform may pack a refusal.
                answer.body = body;
            }
            return Ok(answer);
        }
        let mut length = 0;
        let limit = if sink.is_some() { self.options.sink_limit } else { self.options.answer_limit };
        let begun = tokio::time::Instant::now();
        while let Some(chunk) =
            self.wait_for(self.options.silence, response.chunk()).await?.map_err(|error| self.network(&error))?
        {
            length += chunk.len();
            self.check_pace(length, begun.elapsed()).map_err(|error| (None, error))?;
            if length > limit {
                return Err((None, ClientError::AnswerTooLarge { server: self.server.clone(), limit }));
            }
            let kept = if sink.is_some() { beginning.saturating_sub(answer.body.len()).min(chunk.len()) } else { chunk.len() };
            answer.body.extend_from_slice(&chunk[..kept]);
            if let Some(sink) = &mut sink {
                sink.take(&chunk).map_err(|error| (None, self.refused_by_sink(error, &answer)))?;
            }
        }
        if let Some(sink) = &mut sink {
            sink.end().map_err(|error| (None, self.refused_by_sink(error, &answer)))?;
        }
        Ok(answer)
    }

    /// Waits for something of the server's, but not for ever, and says so.
    async fn wait_for<T>(
        &self,
        limit: Duration,
        something: impl Future<Output = T>,
    ) -> Result<T, (Option<Failure>, ClientError)> {
        // Who was silent once in this command is not waited for again.
        let limit = if self.options.silent.contains(&self.server) { limit.min(limit / 15) } else { limit };
        let mut something = std::pin::pin!(something);
        let (mut waited, mut is_said) = (Duration::ZERO, false);
        let result = loop {
            let said_after = self.options.said_after;
            let step = if waited.is_zero() { said_after } else { said_after / 2 }.min(limit.saturating_sub(waited));
            match tokio::time::timeout(step, &mut something).await {
                Ok(something) => break Ok(something),
                Err(_) => waited += step,
            }
            if waited >= limit {
                self.options.silent.add(&self.server);
                // Who was silent for that long will be again, and somebody is waiting.
                break Err((None, ClientError::Silent { server: self.server.clone(), waited: self.options.silence }));
            }
            if let Some(waiting) = &self.options.waiting {
                waiting.still(&self.server, waited);
                is_said = true;
            }
        };
        if let Some(waiting) = self.options.waiting.as_ref().filter(|_| is_said) {
            waiting.over();
        }
        result
    }

    /// Refuses an answer that comes a byte at a time.
    fn check_pace(&self, length: usize, spent: Duration) -> Result<(), ClientError> {
        let head_start = self.options.silence * HEAD_START;
        let least = spent.saturating_sub(head_start).as_millis() * u128::from(SLOWEST) / 1000;
        if (length as u128) < least {
            return Err(ClientError::Dripping { server: self.server.clone(), spent });
        }
        Ok(())
    }

    /// Reads the body of a refusal: as much of it as anybody would read, and only while it comes.
    async fn refused_body(&self, mut response: reqwest::Response) -> Vec<u8> {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                let room = REFUSAL_LIMIT - body.len();
                body.extend_from_slice(&chunk[..room.min(chunk.len())]);
                if body.len() == REFUSAL_LIMIT {
                    break;
                }
            }
        };
        // What came until then is said; the status says the rest.
        let _ = tokio::time::timeout(self.options.silence, read).await;
        body
    }

    fn check_number(&self, headers: &HeaderMap) -> Result<(), ClientError> {
        let number = headers.get(API_HEADER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        match number {
            Some(theirs) if theirs > API_NUMBER => {
                let version = headers.get(VERSION_HEADER).map(|value| visible(&String::from_utf8_lossy(value.as_bytes())));
                Err(ClientError::Newer { server: self.server.clone(), theirs, ours: API_NUMBER, version })
            }
            _ => Ok(()),
        }
    }

    /// Returns what a failure of the network means.
    fn network(&self, error: &reqwest::Error) -> (Option<Failure>, ClientError) {
        let server = self.server.clone();
        let parsed = cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
        if error.is_timeout() {
            let limit = self.options.silence;
            let reason = format!(
                "no connection within {} seconds; KEEPSTEP_TIMEOUT={}s waits longer",
                limit.as_secs(),
                limit.as_secs() * 4
            );
            self.options.silent.add(&server);
            (None, ClientError::Unreachable { server, reason })
        } else if error.is_dns() {
            let reason = "its name cannot be resolved; check the name and the network".to_owned();
            (Some(Failure::Silence), ClientError::Unreachable { server, reason })
        } else if error.is_connect() {
            (Some(Failure::Silence), ClientError::Unreachable { server, reason: reason_of(error) })
        } else if parsed {
            (None, ClientError::NotOurs { server, status: None, content_type: None, title: None })
        } else if error.is_builder() {
            (None, ClientError::Setup { server, reason: reason_of(error) })
        } else {
            (Some(Failure::Broken), self.cut())
        }
    }

    /// Returns how an answer is to be retried, if it is one of those.
    fn busy(&self, answer: &WholeResponse) -> Option<(Failure, ClientError)> {
        let after = retry_after(&answer.headers, self.options.pace.now());
        let server = self.server.clone();
        let error = match answer.status.as_u16() {
            429 => ClientError::RateLimited { server, after },
            // A server that says when it will be back is worth that sentence.
            503 if after.is_some_and(|after| after > self.options.policy.total) => ClientError::RateLimited { server, after },
            status @ (502..=504) => ClientError::Server { server, status, message: self.message(answer) },
            _ => return None,
        };
        Some((Failure::Busy(after), error))
    }

    /// Returns the error that an answer without success is. `what` is the thing that a 404 is about.
    pub(crate) fn refusal(&self, answer: &WholeResponse, what: &str) -> ClientError {
        let server = self.server.clone();
        let body: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
        let message = self.message(answer);
        let status = answer.status.as_u16();
        match status {
            // The lua dialect says so to a good key of somebody who has no part in the agent.
            401 if message.as_deref().is_some_and(|message| message.contains("not an admin")) => {
                ClientError::NotAllowed { server, origin: self.origin.clone(), message: message.unwrap_or_default() }
            }
            401 => {
                let problem = match body.as_ref().map(|body| body.code) {
                    Some(ErrorCode::KeyMissing) => KeyProblem::Missing,
                    Some(ErrorCode::KeyMalformed) => KeyProblem::Malformed,
                    Some(ErrorCode::KeyExpired) => KeyProblem::Expired,
                    Some(ErrorCode::KeyRevoked) => KeyProblem::Revoked,
                    _ => KeyProblem::Unknown,
                };
                // Our own server's sentence says the same as ours.
                self.not_signed_in(problem, message.filter(|_| !answer.is_ours()))
            }
            403 => {
                let message = message.unwrap_or_else(|| "it gives no reason".to_owned());
                ClientError::NotAllowed { server, origin: self.origin.clone(), message }
            }
            300..=399 => self.not_ours(answer),
            500.. => ClientError::Server { server, status, message },
            _ if answer.value().is_none() => self.not_ours(answer),
            404 => ClientError::NotFound { server, what: what.to_owned(), message: message.filter(|_| !answer.is_ours()) },
            412 => ClientError::Stale { server, current: body.and_then(|body| body.current_revision).or(etag(answer)) },
            413 => ClientError::TooLarge { server, limit: body.and_then(|body| body.limit) },
            _ => {
                let value = answer.value().unwrap_or_default();
                let text = |key: &str| value.get(key).and_then(Value::as_str).map(visible);
                let message = message.unwrap_or_else(|| format!("status {status}"));
                ClientError::Refused {
                    server,
                    status,
                    code: text("code"),
                    message,
                    hint: text("hint").map(|hint| as_hint(&hint)),
                }
            }
        }
    }

    /// Returns the error in an answer that succeeds by its status and says otherwise in its body.
    pub(crate) fn refusal_inside(&self, answer: &WholeResponse, what: &str, body: &Value) -> ClientError {
        let claimed = body.get("statusCode").or_else(|| body.get("error")?.get("statusCode")).and_then(Value::as_u64);
        let status = claimed.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        self.refusal(&WholeResponse { status, headers: answer.headers.clone(), body: answer.body.clone() }, what)
    }

    /// Returns what an error says to a person.
    fn message(&self, answer: &WholeResponse) -> Option<String> {
        let Some(value) = answer.value() else { return page_title(&answer.body) };
        let nested = || value.get("error").and_then(|error| error.get("message"));
        let flat = || value.get("error").filter(|error| error.is_string());
        let Some(message) = value.get("message").or_else(nested).or_else(flat) else { return detail(&value) };
        let message = visible(message.as_str()?);
        (!message.is_empty()).then_some(message)
    }

    pub(crate) fn not_ours(&self, answer: &WholeResponse) -> ClientError {
        ClientError::NotOurs {
            server: self.server.clone(),
            status: Some(answer.status.as_u16()),
            content_type: answer.content_type(),
            title: page_title(&answer.body),
        }
    }

    pub(crate) fn unsupported(&self, what: &'static str) -> ClientError {
        ClientError::Unsupported { server: self.server.clone(), what }
    }

    fn not_signed_in(&self, problem: KeyProblem, message: Option<String>) -> ClientError {
        ClientError::NotSignedIn {
            server: self.server.clone(),
            problem,
            origin: self.origin.clone(),
            message,
            withheld: if problem == KeyProblem::Missing { self.withheld.clone() } else { Vec::new() },
        }
    }

    fn cut(&self) -> ClientError {
        ClientError::Cut { server: self.server.clone() }
    }

    fn elsewhere(&self, location: &Url) -> ClientError {
        ClientError::RedirectedElsewhere { server: self.server.clone(), location: location.origin().ascii_serialization() }
    }
}

/// Returns how long it may take to send so much before an answer can be expected.
fn sending(length: u64) -> Duration {
    Duration::from_secs(length / SLOWEST_SENDING)
}

/// Returns true if the name in an address is one of this machine.
async fn leads_here(url: &Url) -> bool {
    let Some(url::Host::Domain(name)) = url.host() else { return false };
    let port = url.port_or_known_default().unwrap_or(80);
    // A name that is not known leads nowhere, which the request will find out.
    tokio::net::lookup_host((name, port)).await.is_ok_and(|mut found| found.any(|address| is_this_machine(address.ip())))
}

/// Lends a sink out once more.
fn again<'a>(sink: &'a mut Option<&mut dyn Sink>) -> Option<&'a mut dyn Sink> {
    match sink {
        Some(sink) => Some(&mut **sink),
        None => None,
    }
}

/// Returns the encoding of a body, if it has one.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let name = visible(&String::from_utf8_lossy(headers.get(CONTENT_ENCODING)?.as_bytes())).to_ascii_lowercase();
    (!name.is_empty() && name != "identity").then_some(name)
}

/// Returns the beginning of a packed body, if it is one.
fn unpacked(body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut decoder = zstd::Decoder::with_buffer(body).ok()?;
    decoder.window_log_max(WINDOW).ok()?;
    let mut text = Vec::new();
    decoder.take(limit as u64).read_to_end(&mut text).ok()?;
    Some(text)
}

fn etag(answer: &WholeResponse) -> Option<Revision> {
    Revision::from_etag(answer.headers.get(http::header::ETAG)?.to_str().ok()?)
}

/// Returns what an error of the fluxloop dialect says: a text, or a list of what is wrong where in the body.
fn detail(value: &Value) -> Option<String> {
    let text = match value.get("detail")? {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let line = |item: &Value| {
                let place: Vec<String> = (item.get("loc").and_then(Value::as_array).into_iter().flatten())
                    .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                    .collect();
                let message = item.get("msg").and_then(Value::as_str)?;
                Some(if place.is_empty() { message.to_owned() } else { format!("{}: {message}", place.join(".")) })
            };
            items.iter().filter_map(line).collect::<Vec<_>>().join("; ")
        }
        _ => return None,
    };
    let text = visible(&text);
    (!text.is_empty()).then_some(text)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns the header for a key, or `None` for one that cannot be whole.
fn bearer(key: &str) -> Option<HeaderValue> {
    let is_printable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_printable || form_of(key) == KeyForm::Malformed {
        return None;
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
