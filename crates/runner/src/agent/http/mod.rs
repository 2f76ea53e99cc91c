//! A service that is asked over HTTP and answers with JSON or with a stream of events.
//!
//! Connections are kept and used again. Redirects are not followed: a header that was meant for one host would go to another,
//! and a POST may become a GET on the way. A request is sent again only where the configuration names the status for it, or
//! where no connection was made and so nothing was sent.

mod answer;
mod events;
mod template;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;
use tokio::time::timeout;

use super::child::LONGEST_LINE;
use super::{AgentAnswer, Later, Network, Question, Refusal, Session, Surroundings, Target, Trouble};
use crate::config::HttpConfig;
use answer::{Stream, excerpt};
use keepstep_base::human::duration_text;
use keepstep_results::problem::Problem;

/// How much of an answer without success is read.
const EXCERPT_BYTES: usize = 16 * 1024;

/// How long a stream that said that it is done has to end, so that its connection can be used again.
const AFTERLIFE: Duration = Duration::from_millis(250);

/// A service.
pub(super) struct Services(Arc<Service>);

struct Service {
    client: Client,
    network: Arc<dyn Network>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    config: HttpConfig,
}

/// A request that brought no answer.
struct Failed {
    trouble: Trouble,
    /// True if sending it again can do no harm.
    may_repeat: bool,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, may_repeat: false }
    }
}

impl Services {
    /// Returns the target for a service. It connects to nothing.
    pub(super) fn new(config: &HttpConfig, surroundings: &Surroundings) -> Result<Self, Refusal> {
        let refused = |message: String, hint: &str| Refusal { message, hints: vec![hint.to_owned()] };
        let network = surroundings.network.clone().ok_or_else(|| Refusal::new("network access is not available here"))?;
        let url = Url::parse(&config.url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| match unset_variable(&config.url) {
            Some(name) => unset("the address of the service", name),
            None => refused(
                format!("{} is not the address of a service", config.url),
                "`runner.http.url` is an address such as http://localhost:8000/chat",
            ),
        })?;
        let method = Method::from_bytes(config.method.as_bytes())
            .ok()
            .filter(|method| [Method::GET, Method::POST, Method::PUT, Method::PATCH].contains(method));
        let method = method.ok_or_else(|| {
            refused(format!("unsupported HTTP method {}", config.method), "`runner.http.method` is GET, POST, PUT or PATCH")
        })?;
        if let Some((problem, hint)) = template::problems(&config.mapping).into_iter().next() {
            return Err(Refusal { message: problem, hints: [hint].into_iter().filter(|hint| !hint.is_empty()).collect() });
        }
        let headers = headers(config)?;
        let client =
            network.client(&url).map_err(|reason| Refusal::new(format!("cannot connect to {}: {reason}", display_url(&url))))?;
        Ok(Self(Arc::new(Service { client, network, method, url, headers, config: config.clone() })))
    }
}

fn headers(config: &HttpConfig) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    let accepted = match config.streams {
        Some(true) => "text/event-stream",
        Some(false) => "application/json",
        None => "application/json, text/event-stream",
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accepted));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &config.headers {
        if let Some(variable) = unset_variable(value) {
            return Err(unset(&format!("the header {name}"), variable));
        }
        let (Ok(header), Ok(mut value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) else {
            // What it holds may be a key.
            return Err(Refusal::new(format!("header {name} is not a valid HTTP header")));
        };
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

/// Returns the name in a `${NAME}` that nobody has replaced.
fn unset_variable(text: &str) -> Option<&str> {
    let (_, from) = text.split_once("${")?;
    from.split_once('}').map(|(name, _)| name)
}

fn unset(what: &str, variable: &str) -> Refusal {
    Refusal {
        message: format!("{what} needs {variable}, which is not set"),
        hints: vec![format!("export {variable}, or put it into the .env of the scenario")],
    }
}

/// Returns an address without what may be secret in it.
fn display_url(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

impl Target for Services {
    fn session(&self) -> Box<dyn Session> {
        Box::new(ServiceSession(Arc::clone(&self.0)))
    }
}

struct ServiceSession(Arc<Service>);

impl Session for ServiceSession {
    fn prepare(&mut self) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn ask<'a>(&'a mut self, question: &'a Question, limit: Duration) -> Later<'a, Result<AgentAnswer, Trouble>> {
        Box::pin(async move {
            match timeout(limit, self.0.ask(question)).await {
                Ok(answer) => answer,
                Err(_) => Err(Trouble::Timeout(Problem::new(format!("no answer after {}", duration_text(limit))))),
            }
        })
    }

    fn end_conversation(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

impl Service {
    async fn ask(&self, question: &Question) -> Result<AgentAnswer, Trouble> {
        let body = template::filled(&self.config.mapping, question);
        let mut pause = self.config.backoff;
        for _ in 1..self.config.attempts {
            match self.attempt(&body).await {
                Err(Failed { may_repeat: true, .. }) => {}
                other => return other.map_err(|failed| failed.trouble),
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        self.attempt(&body).await.map_err(|failed| failed.trouble)
    }

    async fn attempt(&self, body: &Value) -> Result<AgentAnswer, Failed> {
        let mut url = self.url.clone();
        let mut request = if self.method == Method::GET {
            for (name, value) in template::parameters(body) {
                url.query_pairs_mut().append_pair(name, &value);
            }
            self.client.get(url)
        } else {
            self.client.request(self.method.clone(), url).body(body.to_string())
        };
        request = request.headers(self.headers.clone());
        let response = request.send().await.map_err(|error| self.not_sent(&error))?;
        self.check(&response)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(self.redirected(&response).into());
        }
        if !status.is_success() {
            let said = answer::error_message(&self.beginning(response).await);
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            let problem = Problem::new(format!("{} answered with status {}{said}", self.name(), status.as_u16()));
            // What stands in front of the agent says that there is none.
            let is_down = matches!(status.as_u16(), 502..=504);
            let trouble = if is_down { Trouble::Down(problem) } else { Trouble::Agent(problem) };
            return Err(Failed { trouble, may_repeat: self.config.retry_statuses.contains(&status.as_u16()) });
        }
        let streams = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_ascii_lowercase);
        let streams = streams.map(|kind| kind.trim_start().starts_with("text/event-stream"));
        match (self.config.streams, streams) {
            (Some(true), Some(false)) => {
                let said = excerpt(&self.beginning(response).await);
                Err(self.broke(&format!("did not answer with a stream of events but with: {said}")).into())
            }
            (Some(true), _) | (None, Some(true)) => self.stream(response).await.map_err(Failed::from),
            (Some(false), Some(true)) => {
                Err(self.broke("answered with a stream of events; `stream: sse` in `runner.http` reads it").into())
            }
            (_, _) => {
                let body = self.whole(response).await?;
                answer::of_body(&body, &self.config).map_err(|what| self.broke(&what).into())
            }
        }
    }

    /// Reads a stream to its end.
    async fn stream(&self, mut response: Response) -> Result<AgentAnswer, Trouble> {
        let mut events = events::Events::new();
        let mut stream = Stream::new(&self.config);
        let mut complete = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broke_off(&error))? {
            events
                .feed(chunk, &mut complete)
                .map_err(|problem| self.broke(&format!("sent no stream that can be read: {problem}")))?;
            for event in complete.drain(..) {
                stream.take(&event).map_err(|what| self.broke(&what))?;
            }
            if stream.is_done() {
                // Whatever comes now is nobody's affair.
                let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
                let _ = timeout(AFTERLIFE, rest).await;
                return stream.answer().map_err(|what| self.broke(&what));
            }
        }
        if events.ends_inside() {
            return Err(self.broke("ended its stream in the middle of an event"));
        }
        stream.answer().map_err(|what| self.broke(&what))
    }

    /// Reads a whole body.
    async fn whole(&self, mut response: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broke_off(&error))? {
            if body.len() + chunk.len() > LONGEST_LINE {
                return Err(self.broke("answered with more than 64 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads as much of a body as a message needs.
    async fn beginning(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > EXCERPT_BYTES {
                body.truncate(EXCERPT_BYTES);
                break;
            }
        }
        String::from_utf8_lossy(&body).into_owned()
    }

    /// Checks that an answer is in a form that was asked for.
    fn check(&self, response: &Response) -> Result<(), Trouble> {
        let Some(encoding) = response.headers().get(CONTENT_ENCODING) else { return Ok(()) };
        if encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Ok(());
        }
        let encoding = excerpt(&String::from_utf8_lossy(encoding.as_bytes()));
        Err(self.broke(&format!("sent a compressed answer ({encoding}) although none was requested")))
    }

    fn redirected(&self, response: &Response) -> Trouble {
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let place = match location.and_then(|location| self.url.join(location).ok()) {
            Some(place) => format!(" to {}", excerpt(&display_url(&place))),
            None => String::new(),
        };
        self.broke(&format!("redirects{place}; redirects are not followed, `runner.http.url` has to be the right address"))
    }

    fn not_sent(&self, error: &reqwest::Error) -> Failed {
        let reason = self.network.reason(error);
        if error.is_connect() {
            let problem = Problem::new(format!("cannot connect to {}: {reason}", self.name()));
            return Failed { trouble: Trouble::Down(problem), may_repeat: true };
        }
        self.broke(&format!("did not answer: {reason}")).into()
    }

    fn broke_off(&self, error: &reqwest::Error) -> Trouble {
        self.broke(&format!("broke off in the middle of its answer: {}", self.network.reason(error)))
    }

    fn broke(&self, what: &str) -> Trouble {
        Trouble::Agent(Problem::new(format!("{} {what}", self.name())))
    }

    fn name(&self) -> String {
        display_url(&self.url)
    }
}
