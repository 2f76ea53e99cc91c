//! HTTP messages, as far as tests need them: read a whole request, write a whole answer.

use std::io::{self, BufRead, BufReader, Read, Write};

use serde_json::Value;

/// How many headers a request of a test may have.
const MOST_HEADERS: usize = 64;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, exactly as it was sent.
    pub target: String,
    /// The headers in their order, with the names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The body, without the framing of chunks.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns the value of the first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// Returns the body as text, with a replacement character for what is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("the body is not JSON ({error}): {}", self.text()))
    }

    /// Returns the method and the target, and the body below if there is one: a form for snapshots.
    pub fn summary(&self) -> String {
        if self.body.is_empty() {
            format!("{} {}", self.method, self.target)
        } else {
            format!("{} {} {}", self.method, self.target, self.text())
        }
    }

    /// Reads one request, or `None` where the other side closed before it began.
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader)?;
        if head.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let is_whole = parsed.parse(&head).is_ok_and(|status| status.is_complete());
        let (true, Some(method), Some(target)) = (is_whole, parsed.method, parsed.path) else {
            return Err(invalid(&format!("not a request: {:?}", String::from_utf8_lossy(&head))));
        };
        let text = |header: &httparse::Header<'_>| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned());
        let headers = parsed.headers.iter().map(text).collect();
        let mut request = Self { method: method.to_owned(), target: target.to_owned(), headers, body: Vec::new() };
        if request.header("expect").is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "Expect is not supported here"));
        }
        if request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            request.body = read_chunks(&mut reader)?;
        } else if let Some(length) = request.header("content-length") {
            let length = length.parse().map_err(|_| invalid("bad Content-Length"))?;
            request.body = vec![0; length];
            reader.read_exact(&mut request.body)?;
        }
        Ok(Some(request))
    }

    /// Returns the bytes that send the request on, on a connection that ends with it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let is_framing = |name: &str| {
            ["connection", "transfer-encoding", "content-length"].iter().any(|framing| name.eq_ignore_ascii_case(framing))
        };
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_framing(name)) {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(format!("connection: close\r\ncontent-length: {}\r\n\r\n", self.body.len()).into_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// Reads lines up to an empty one, or to the end.
fn read_head(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        let read = reader.read_until(b'\n', &mut head)?;
        if read == 0 || head[before..].trim_ascii_end().is_empty() {
            return Ok(head);
        }
    }
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        let Ok(httparse::Status::Complete((_, size))) = httparse::parse_chunk_size(&line) else {
            return Err(invalid("bad chunk"));
        };
        if size == 0 {
            read_head(reader)?;
            return Ok(body);
        }
        reader.take(size).read_to_end(&mut body)?;
        reader.read_until(b'\n', &mut line)?;
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// An answer to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The bytes as they go out, head and body.
    bytes: Vec<u8>,
    /// Only this many of them are sent before the connection is closed.
    cut_after: Option<usize>,
}

impl Reply {
    /// Returns an answer with a status, headers and a body.
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes = format!("HTTP/1.1 {status} {}\r\nconnection: close\r\n", reason(status)).into_bytes();
        for (name, value) in headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        if status != 304 && status != 204 {
            bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);
        Self { bytes, cut_after: None }
    }

    /// Returns an answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, &[("content-type", "application/json")], body.to_string())
    }

    /// Returns an answer with an HTML body, as proxies and gateways send them.
    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, &[("content-type", "text/html; charset=utf-8")], body)
    }

    /// Returns an answer that sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, &[("location", location)], "")
    }

    /// Returns an answer that is exactly these bytes, which need not be HTTP.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), cut_after: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let at = self.bytes.windows(2).position(|pair| pair == b"\r\n").map_or(0, |at| at + 2);
        self.bytes.splice(at..at, format!("{name}: {value}\r\n").into_bytes());
        self
    }

    /// Closes the connection in the middle: after so many bytes, counted from the status line.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Closes the connection so many bytes before the end.
    #[must_use]
    pub fn cut_before_end(mut self, bytes: usize) -> Self {
        self.cut_after = Some(self.bytes.len().saturating_sub(bytes));
        self
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let end = self.cut_after.unwrap_or(self.bytes.len()).min(self.bytes.len());
        stream.write_all(&self.bytes[..end])?;
        stream.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        412 => "Precondition Failed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_whole_whatever_its_framing() {
        let plain = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        for bytes in [plain.as_slice(), chunked.as_slice()] {
            let request = Request::read(&mut &*bytes).unwrap().unwrap();
            assert_eq!(request.summary(), "POST /a?b=c hello");
            assert_eq!(request.path(), "/a");
            assert_eq!(request.header("host"), Some("x"));
            let again = Request::read(&mut request.to_bytes().as_slice()).unwrap().unwrap();
            assert_eq!(again.body, b"hello");
        }
        assert!(Request::read(&mut [].as_slice()).unwrap().is_none());
        assert!(Request::read(&mut b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe".as_slice()).is_err());
    }

    #[test]
    fn a_reply_can_stop_in_the_middle() {
        let mut bytes = Vec::new();
        Reply::json(200, &serde_json::json!({"a": 1})).header("x", "y").cut_before_end(3).write(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\nx: y\r\n") && text.ends_with("{\"a\""), "{text}");
    }
}
